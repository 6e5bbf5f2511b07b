namespace Holdfast.Drill.Damage;

internal enum WoundKind
{
    Removed,
    Truncated,
    Flipped,
    Swapped,
    Emptied,
    Unreadable,

    /// <summary>A folder has its name.</summary>
    Folder,

    /// <summary>A symbolic link has its name, and leads to the right bytes.</summary>
    Linked,
}

/// <summary>One damaged file.</summary>
internal sealed record Wound(string Digest, WoundKind Kind, DateTimeOffset InflictedAt)
{
    /// <summary>To be seen without reading: by its absence, its size or its permissions.</summary>
    public bool IsPlain => Kind is not (WoundKind.Flipped or WoundKind.Swapped);
}
