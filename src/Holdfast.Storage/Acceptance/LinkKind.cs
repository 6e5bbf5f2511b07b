namespace Holdfast.Storage.Acceptance;

/// <summary>How a file of somebody else's becomes one of ours.</summary>
public enum LinkKind
{
    /// <summary>A reflink where the file system has them, else a hard link, else a copy.</summary>
    Auto,

    /// <summary>One more name for the same file: no second copy, and whoever writes to the old name writes to ours.</summary>
    Hard,

    /// <summary>A file of its own that shares the bytes on the disk until one of the two is written to (FICLONE: Btrfs, XFS, bcachefs).</summary>
    Reflink,

    Copy,
}
