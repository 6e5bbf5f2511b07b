namespace Holdfast.Storage.Metadata;

/// <summary>What can be found wrong. The names in <see cref="IncidentKinds.Name"/> are stored, shown, and the metric's label.</summary>
public enum IncidentKind
{
    /// <summary>A blob that a repository shows has no file, or one of another size.</summary>
    BlobMissing,

    /// <summary>A blob's bytes had another hash; they are in the quarantine.</summary>
    BlobCorrupt,

    /// <summary>Neither copy of a manifest's bytes is right.</summary>
    ManifestMissing,

    /// <summary>One of a manifest's two copies was wrong.</summary>
    ManifestCopy,

    /// <summary>A manifest's recorded edges are not those of its bytes, or lead nowhere.</summary>
    DanglingEdge,

    /// <summary>Something lies in the blob store that no row knows.</summary>
    UnknownFile,

    /// <summary>Something could not be read, so that nothing is known about it (P6).</summary>
    StoreUnreadable,

    DiskReserve,

    /// <summary>The store takes no writes: its file system is read-only.</summary>
    StoreReadOnly,

    Certificate,

    Configuration,

    /// <summary>A check did not end when it should have.</summary>
    CheckOverdue,

    /// <summary>A retention run would have removed more than its rule allows, or something in use.</summary>
    RetentionGuard,

    /// <summary>Journal and database don't fit together.</summary>
    Journal,

    /// <summary>The machine's clock jumped, or is behind what the store has dated.</summary>
    Clock,

    /// <summary>The registry that a cache is filled from does not answer as it should.</summary>
    Upstream,

    /// <summary>Caches can't keep what they fetch, or hold more than they may.</summary>
    CacheFull,

    /// <summary>The server could not pull an image through its own front door.</summary>
    Unpullable,
}

public static class IncidentKinds
{
    private static readonly IncidentKind[] All = Enum.GetValues<IncidentKind>();

    public static IReadOnlyList<IncidentKind> List => All;

#pragma warning disable CS8524 // A member without a name doesn't compile; a number that is no member can't come from a stored name.
    public static string Name(this IncidentKind kind) => kind switch
    {
        IncidentKind.BlobMissing => "blob-missing",
        IncidentKind.BlobCorrupt => "blob-corrupt",
        IncidentKind.ManifestMissing => "manifest-missing",
        IncidentKind.ManifestCopy => "manifest-copy",
        IncidentKind.DanglingEdge => "dangling-edge",
        IncidentKind.UnknownFile => "unknown-file",
        IncidentKind.StoreUnreadable => "store-unreadable",
        IncidentKind.DiskReserve => "disk-reserve",
        IncidentKind.StoreReadOnly => "store-read-only",
        IncidentKind.Certificate => "certificate",
        IncidentKind.Configuration => "configuration",
        IncidentKind.CheckOverdue => "check-overdue",
        IncidentKind.RetentionGuard => "retention-guard",
        IncidentKind.Journal => "journal",
        IncidentKind.Clock => "clock",
        IncidentKind.Upstream => "upstream",
        IncidentKind.CacheFull => "cache-full",
        IncidentKind.Unpullable => "unpullable",
    };
#pragma warning restore CS8524

    public static IncidentKind Parse(string name) => Array.Find(All, kind => kind.Name() == name) is var kind && kind.Name() == name
        ? kind
        : throw new FormatException($"'{name}' is no kind of incident");
}
