using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Where blobs lie, and the one way a file becomes a blob or stops being one: sync the bytes, rename, sync the folder.
/// </summary>
internal sealed class BlobFiles
{
    private const UnixFileMode EveryoneReads = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly FolderSync[] _sha256;
    private readonly FolderSync[] _sha512;
    private readonly TimeProvider _time;

    public BlobFiles(DataFolder folder, TimeProvider time)
    {
        _sha256 = FanOut(folder.Blobs(DigestAlgorithm.Sha256));
        _sha512 = FanOut(folder.Blobs(DigestAlgorithm.Sha512));
        _time = time;
    }

    /// <summary>A digest holds nothing but an algorithm and lower-case hex, so no path made of one leaves the folder.</summary>
    public string PathOf(Digest digest) => string.Concat(FolderOf(digest).Path, "/", digest.Hex);

    /// <summary>Makes the file a blob. When this returns, a power cut loses neither its bytes nor its name (P1).</summary>
    /// <exception cref="IOException">What of it is on the disk is not known; the file must not be used again.</exception>
    public void Publish(SafeFileHandle file, string path, Digest digest)
    {
        File.SetUnixFileMode(file, EveryoneReads);
        var start = _time.GetTimestamp();
        Posix.SyncData(file, path);
        StorageMetrics.RecordSync(_time.GetElapsedTime(start), StorageMetrics.FileTarget);
        Posix.Rename(path, PathOf(digest));
        SyncFolder(digest);
    }

    /// <summary>Removes a blob durably.</summary>
    public void Remove(Digest digest)
    {
        File.Delete(PathOf(digest));
        SyncFolder(digest);
    }

    private void SyncFolder(Digest digest)
    {
        var start = _time.GetTimestamp();
        FolderOf(digest).Sync();
        StorageMetrics.RecordSync(_time.GetElapsedTime(start), StorageMetrics.FolderTarget);
    }

    private FolderSync FolderOf(Digest digest)
    {
        var hex = digest.Hex;
        var folders = digest.Algorithm == DigestAlgorithm.Sha256 ? _sha256 : _sha512;
        return folders[(Nibble(hex[0]) << 4) | Nibble(hex[1])];
    }

    private static int Nibble(char hex) => hex <= '9' ? hex - '0' : hex - 'a' + 10;

    private static FolderSync[] FanOut(string parent)
    {
        var folders = new FolderSync[256];
        for (var i = 0; i < folders.Length; i++)
            folders[i] = new FolderSync($"{parent}/{i:x2}");
        return folders;
    }
}
