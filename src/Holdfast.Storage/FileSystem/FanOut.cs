using System.Globalization;
using Holdfast.Oci;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// The 256 folders of one algorithm's blobs, by the first two hex digits. Each is created by the first blob that needs it: all at once
/// would cost the first start a second on a slow disk.
/// </summary>
internal sealed class FanOut
{
    private readonly FolderSync _parent;
    private readonly FolderSync[] _folders = new FolderSync[256];

    // Is the folder's own name on the disk? Only then is a name inside it.
    private readonly bool[] _durable = new bool[256];

    public FanOut(string path)
    {
        _parent = new FolderSync(path);
        for (var i = 0; i < _folders.Length; i++)
            _folders[i] = new FolderSync($"{path}/{i:x2}");
        FindExisting();
    }

    public string Path => _parent.Path;

    public FolderSync Of(Digest digest) => _folders[IndexOf(digest)];

    /// <summary>When this returns the folder of the digest exists durably.</summary>
    public void Ensure(Digest digest)
    {
        var index = IndexOf(digest);
        // Somebody may have taken it away since, and a push must heal that.
        if (Volatile.Read(ref _durable[index]) && Directory.Exists(_folders[index].Path))
            return;
        // Another commit may have created it without having synced it yet, so each of them waits for a sync.
        Directory.CreateDirectory(_folders[index].Path, DataFolder.Owner);
        _parent.Sync();
        Volatile.Write(ref _durable[index], true);
    }

    private void FindExisting()
    {
        var names = Directory.EnumerateDirectories(Path).Select(System.IO.Path.GetFileName).ToList();
        if (names.Count == 0)
            return;
        _parent.Sync();
        foreach (var name in names)
        {
            // Spelled as we spell it: "5" or "AB" is another folder.
            if (byte.TryParse(name, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var index)
                && string.Equals(name, $"{index:x2}", StringComparison.Ordinal))
                _durable[index] = true;
        }
    }

    private static int IndexOf(Digest digest) => (Nibble(digest.Hex[0]) << 4) | Nibble(digest.Hex[1]);

    private static int Nibble(char hex) => hex <= '9' ? hex - '0' : hex - 'a' + 10;
}
