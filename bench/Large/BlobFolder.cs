using Holdfast.Oci;

namespace Holdfast.Large;

/// <summary>
/// Puts files where the blob store has its blobs. Not through its own writer: that syncs each file and its folder, which is what a push pays for and would make a filling
/// of days. So what lies here after a power cut is not known; a store that was filled is for measuring, and made again.
/// </summary>
internal sealed class BlobFolder
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode EveryoneReads = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly string _path;

    /// <param name="data">The data folder, whose layout is there.</param>
    public BlobFolder(string data)
    {
        _path = Path.Combine(data, "blobs", "sha256");
        for (var first = 0; first < 256; first++)
            Directory.CreateDirectory($"{_path}/{first:x2}", Owner);
    }

    /// <summary>Does nothing for a file that is there in its full length, from a run that was cut off.</summary>
    public void Put(Digest digest, byte[] bytes)
    {
        var hex = digest.Hex;
        var path = $"{_path}/{hex[..2]}/{hex}";
        try
        {
            Write(path, bytes);
        }
        catch (IOException) when (File.Exists(path))
        {
            if (new FileInfo(path).Length == bytes.Length)
                return;
            File.Delete(path);
            Write(path, bytes);
        }
    }

    private static void Write(string path, byte[] bytes)
    {
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = EveryoneReads,
        });
        file.Write(bytes);
    }
}
