using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>Where a repository lies: its registry's id and its name.</summary>
public readonly record struct RepositoryKey(int Registry, RepositoryName Name);

/// <summary>A blob that a repository has a link to.</summary>
public readonly record struct LinkedBlob(Digest Digest, long SizeBytes);

/// <summary>Bytes that were just hashed and stored, with the store's stamp of them.</summary>
public readonly record struct StoredBlob(Digest Digest, long SizeBytes, long Stamp);

/// <summary>A blob that a repository's clients see.</summary>
/// <param name="Stamp">The store's stamp when the bytes were last hashed.</param>
/// <param name="VerifiedAtMs">When that was; 0: never; <see cref="BlobChecks.KnownWrong"/>: they are wrong.</param>
/// <param name="LeaseTakenAtMs">When a lease on the link was last taken; 0: there is none.</param>
public readonly record struct VisibleBlob(Digest Digest, long SizeBytes, long Stamp, long VerifiedAtMs, long LeaseTakenAtMs);

/// <summary>A manifest of a repository, without its bytes.</summary>
public sealed record StoredManifest(Digest Digest, string MediaType, long SizeBytes)
{
    /// <summary>Since when it waits to be reviewed, if it was looked up by its digest; a tag holds it anyway.</summary>
    public long? ReviewQueuedAtMs { get; init; }

    /// <summary>Is it a row without edges, of which a rebuild knew no more than the name? What it refers to may not be there.</summary>
    public bool IsLost => LostManifests.IsMarked(MediaType);
}

/// <summary>One page of names, in ASCII order.</summary>
/// <param name="HasMore">Are there names after the last of these?</param>
public sealed record NamePage(IReadOnlyList<string> Names, bool HasMore);

/// <summary>Where a page of rows of any size ends.</summary>
public readonly record struct PageLimit(int Rows, long Bytes);

/// <summary>A manifest to put, with the tags to point at it.</summary>
/// <param name="Stamp">The blob store's, of the bytes that it stored.</param>
public sealed record ManifestPut(
    RepositoryKey Repository, Digest Digest, ReadOnlyMemory<byte> Payload, Manifest Manifest, IReadOnlyList<Tag> Tags, long Stamp = 0)
{
    /// <summary>Which tags must not move to another manifest; null: all may.</summary>
    public Func<Tag, bool>? IsImmutable { get; init; }

    /// <summary>When it was pushed to where it is imported from; null: now, and here.</summary>
    public long? PushedMs { get; init; }
}

/// <summary>What a manifest's hard edges resolve to inside its repository (P2). Only a whole closure is ever stored.</summary>
/// <param name="Missing">Every hard edge that does not resolve.</param>
/// <param name="Mismatched">Every hard edge that resolves to bytes of another size than the manifest states, with the stored size.</param>
public sealed record ManifestClosure(IReadOnlyList<Descriptor> Missing, IReadOnlyList<SizeMismatch> Mismatched)
{
    public static readonly ManifestClosure Whole = new([], []);

    /// <summary>Tags of the put that must not move, and point at another manifest. With any of them nothing is stored either.</summary>
    public IReadOnlyList<Tag> ImmutableTags { get; init; } = [];

    public bool IsWhole => Missing.Count == 0 && Mismatched.Count == 0 && ImmutableTags.Count == 0;
}

public readonly record struct SizeMismatch(Descriptor Stated, long StoredSizeBytes);

/// <summary>What became of a delete.</summary>
/// <param name="Outcome">Deleted, unknown, or held by the holders (P3).</param>
/// <param name="Holders">Up to 20 manifests that refer to it.</param>
/// <param name="HolderCount">How many there are.</param>
public sealed record DeleteResult(DeleteOutcome Outcome, IReadOnlyList<Digest> Holders, long HolderCount)
{
    public static readonly DeleteResult Deleted = new(DeleteOutcome.Deleted, [], 0);
    public static readonly DeleteResult Unknown = new(DeleteOutcome.Unknown, [], 0);

    private const int MaxHolders = 20;

    /// <param name="holders">A query of the holders' digests, whose <c>@limit</c> is set here.</param>
    internal static DeleteResult HeldBy(Statement holders, long count)
    {
        var digests = new List<Digest>();
        using var rows = holders.Set("@limit", MaxHolders).Query();
        while (rows.Read())
            digests.Add(rows.Digest(0));
        return new DeleteResult(DeleteOutcome.Held, digests, count);
    }
}

public enum DeleteOutcome
{
    Deleted,
    Unknown,
    Held,
}

/// <summary>A referrer's descriptor as the referrers API lists it.</summary>
/// <param name="AnnotationsJson">The raw JSON object, or null.</param>
public sealed record ReferrerRow(Digest Digest, string MediaType, long SizeBytes, string? ArtifactType, string? AnnotationsJson);

public sealed record ReferrerPage(IReadOnlyList<ReferrerRow> Referrers, bool HasMore);

/// <summary>An upload session that survives a restart.</summary>
public sealed record UploadRow(Guid Id, RepositoryKey Repository, DigestAlgorithm Algorithm, DateTimeOffset StartedAt);
