namespace Holdfast.Storage.Native;

public enum EntryKind
{
    File,
    Folder,
    Link,
    Other,
}

/// <summary>Something that has a name in a folder, whatever it is.</summary>
/// <param name="User">Whose it is.</param>
public readonly record struct EntryState(EntryKind Kind, long SizeBytes, DateTimeOffset ModifiedAt, uint User, uint Group, ushort Mode);
