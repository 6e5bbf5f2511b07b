using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Acceptance;

/// <summary>A blob that repositories are to see, with its bytes or without.</summary>
public sealed record BlobOffer(Digest Digest, long SizeBytes, IReadOnlyList<RepositoryKey> Repositories)
{
    /// <summary>Among the uploads, whole; null: the store is believed to have it.</summary>
    public Guid? Upload { get; init; }

    /// <summary>The bytes need not be hashed now: the first pull, or the scrub before it, does that.</summary>
    public bool IsTrusted { get; init; }
}

public enum BlobReceiptOutcome
{
    /// <summary>It was there already; the repositories see it.</summary>
    Linked,

    /// <summary>Its bytes are stored now, and the repositories see it.</summary>
    Stored,

    /// <summary>It isn't there, or not whole, and no bytes came with it: bring them.</summary>
    NeedsBytes,

    /// <summary>The bytes are not those of the digest, or not as many; nothing was stored.</summary>
    WrongBytes,

    /// <summary>The bytes could not be read: whether they are right is not known (P6).</summary>
    Unreadable,
}

/// <param name="Problem">What was wrong, for people.</param>
public sealed record BlobReceipt(Digest Digest, BlobReceiptOutcome Outcome, string? Problem = null);

/// <param name="Healed">The incidents that the bytes ended.</param>
public sealed record BlobReceipts(IReadOnlyList<BlobReceipt> Blobs, IReadOnlyList<Incident> Healed);

/// <summary>A manifest that a repository is to have, and the tags that are to point at it.</summary>
public sealed record ManifestOffer(RepositoryKey Repository, Digest Digest)
{
    /// <summary>Null: it is believed to be there, and only its tags are meant.</summary>
    public ReadOnlyMemory<byte>? Payload { get; init; }

    /// <summary>As the source states it; null: the bytes say it.</summary>
    public string? MediaType { get; init; }

    /// <summary>When it was pushed to its source, Unix milliseconds; null: nobody knows.</summary>
    public long? PushedMs { get; init; }

    public IReadOnlyList<TagOffer> Tags { get; init; } = [];
}

/// <param name="PushedMs">When it was put at its source, Unix milliseconds; null: nobody knows.</param>
public sealed record TagOffer(Tag Tag, long? PushedMs = null);

public enum ManifestReceiptOutcome
{
    Stored,

    /// <summary>It was named without its bytes, and isn't there: bring them.</summary>
    NeedsBytes,

    /// <summary>Not all that it refers to is there (P2); nothing of it was stored.</summary>
    NotWhole,

    /// <summary>It is none that is accepted here; nothing of it was stored.</summary>
    Refused,
}

public enum TagReceiptOutcome
{
    /// <summary>It points at the manifest now.</summary>
    Put,

    /// <summary>It did already.</summary>
    Same,

    /// <summary>It points elsewhere, and a client has put it there: it stays.</summary>
    PushedHere,

    /// <summary>It points elsewhere, and what put it there is later: it stays.</summary>
    Older,

    /// <summary>It points elsewhere, and is immutable here (<c>retention.immutableTags</c>): it stays.</summary>
    Immutable,
}

/// <param name="Present">Where a tag that stays points.</param>
public sealed record TagReceipt(Tag Tag, TagReceiptOutcome Outcome, Digest? Present = null);

/// <param name="Problem">What was wrong, for people.</param>
/// <param name="Missing">What it refers to and isn't there.</param>
public sealed record ManifestReceipt(
    RepositoryKey Repository, Digest Digest, ManifestReceiptOutcome Outcome, IReadOnlyList<TagReceipt> Tags, string? Problem = null, IReadOnlyList<Digest>? Missing = null);

/// <param name="Healed">The incidents that the bytes ended.</param>
public sealed record ManifestReceipts(IReadOnlyList<ManifestReceipt> Manifests, IReadOnlyList<Incident> Healed);

/// <summary>What holds for an import.</summary>
/// <param name="ReplacesTags">Do tags move here that clients have put, or that are later here? Immutable ones never do.</param>
/// <param name="ImmutableTags">Which tags of a repository must not move; null: all may.</param>
public sealed record ImportTerms(bool ReplacesTags, Func<RepositoryKey, Func<Tag, bool>?>? ImmutableTags = null);
