using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>
/// One thing that a change did, said without row ids, so that the database can be made again from the blobs and these (DESIGN §3).
/// What an operation doesn't need is none or null.
/// </summary>
/// <param name="Operation">What was done.</param>
/// <param name="Repository">Where.</param>
/// <param name="Digest">The blob's or manifest's; a tag's manifest.</param>
/// <param name="AtMs">When, Unix milliseconds.</param>
public readonly record struct JournalEvent(JournalOperation Operation, RepositoryKey Repository, Digest Digest, long AtMs)
{
    public Tag Tag { get; init; }

    /// <summary>Of a link's blob, or of a manifest's bytes.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Of a manifest.</summary>
    public string? MediaType { get; init; }

    /// <summary>Of what goes to the trash; of a tag that leaves it, only the operation is needed to tell it from others of its name.</summary>
    public Deletion? Deletion { get; init; }

    /// <summary>Of a manifest or a tag that was imported: when it was pushed to where it came from, Unix milliseconds. Null: a client pushed it here.</summary>
    public long? PushedMs { get; init; }

    /// <summary>Only in a snapshot, which tells a row's state where the other events tell what changed it.</summary>
    public RowTimes? Times { get; init; }
}

/// <summary>What <see cref="JournalEvent.AtMs"/> doesn't say about a row in a snapshot. Unix milliseconds.</summary>
/// <param name="UpdatedMs">Of a tag: when it last moved.</param>
/// <param name="UntaggedMs">Of a manifest: since when it has had no tag.</param>
/// <param name="PulledMs">Of a manifest; 0: never.</param>
public sealed record RowTimes(long CreatedMs, long UpdatedMs = 0, long? UntaggedMs = null, long PulledMs = 0);

/// <summary>The names are what stands in the journal; they never change their meaning.</summary>
public enum JournalOperation
{
    /// <summary>A repository sees a blob, again if its link was in the trash.</summary>
    Link,

    /// <summary>A manifest is put, again if it was in the trash.</summary>
    Manifest,

    /// <summary>A tag points at a manifest.</summary>
    Tag,

    TrashTag,
    TrashManifest,
    TrashLink,

    RestoreTag,
    RestoreManifest,
    RestoreLink,

    /// <summary>A trashed tag can no longer be restored.</summary>
    PurgeTag,

    /// <summary>A manifest's row is gone.</summary>
    PurgeManifest,

    /// <summary>A link's row is gone.</summary>
    PurgeLink,

    /// <summary>A link can no longer be restored by itself; it stays hidden as long as manifests in the trash need it.</summary>
    ForgetLink,

    /// <summary>Only in a snapshot: a delete has taken a manifest's last holder, and the collection is still to look at it.</summary>
    ReviewManifest,
}
