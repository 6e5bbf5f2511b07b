using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

/// <summary>One blob of the store that a registry's repositories share.</summary>
internal sealed class BlobRow(BlobFile file)
{
    public Digest Digest => file.Digest;

    public long SizeBytes => file.SizeBytes;

    public ContentState State { get; set; } = file.State switch
    {
        BlobFileState.Present => ContentState.Whole,
        BlobFileState.ZeroLength => ContentState.ZeroLength,
        BlobFileState.Unreadable => ContentState.Unreadable,
        _ => ContentState.Absent,
    };

    /// <summary>Why it could not be read, or whose bytes it holds.</summary>
    public string? Problem { get; set; } = file.Problem;

    /// <summary>Does any manifest, or any repository's link to a manifest, need it?</summary>
    public bool IsNeeded { get; set; }
}

/// <summary>All blobs of one registry, as they were when its folders were listed.</summary>
internal sealed class BlobTable(RegistryFolder folder)
{
    private readonly Dictionary<Digest, BlobRow> _rows = [];

    // Folders that could not be listed; what would lie in them is not known to be absent.
    private readonly List<string> _unread = [];

    public IReadOnlyCollection<BlobRow> Rows => _rows.Values;

    public void Add(BlobFile file) => _rows[file.Digest] = new BlobRow(file);

    public void AddUnread(string path) => _unread.Add(path);

    public BlobRow? Find(Digest digest) => _rows.GetValueOrDefault(digest);

    /// <param name="sizeBytes">What refers to it says that it has so many.</param>
    public ContentState StateOf(Digest digest, long? sizeBytes)
    {
        if (Find(digest) is not { } row)
            return IsUnread(digest) ? ContentState.Unreadable : ContentState.Absent;
        return row.State == ContentState.Whole && sizeBytes is { } size && size != row.SizeBytes ? ContentState.WrongSize : row.State;
    }

    /// <summary>Looks again: the registry may have written since.</summary>
    /// <returns>Whether there are other bytes now than when the folders were listed.</returns>
    public bool Refresh(Digest digest)
    {
        var now = folder.LookAt(digest);
        var before = Find(digest);
        if (before is null ? now.State is BlobFileState.Absent or BlobFileState.NoData : new BlobRow(now).State == before.State && now.SizeBytes == before.SizeBytes)
            return false;
        // What its bytes are, only reading tells: a look at the same file takes back neither that they are wrong nor that they could not be read (P6).
        if (before is { State: ContentState.WrongHash or ContentState.Unreadable } && now.State == BlobFileState.Present && now.SizeBytes == before.SizeBytes)
            return false;
        Add(now);
        return true;
    }

    private bool IsUnread(Digest digest)
    {
        if (_unread.Count == 0)
            return false;
        var path = RegistryFolder.FolderOf(digest);
        return _unread.Exists(unread => path.StartsWith(unread, StringComparison.Ordinal) && (path.Length == unread.Length || path[unread.Length] == '/'));
    }
}
