using Holdfast.Oci;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Native;

namespace Holdfast.Storage;

/// <summary>
/// A folder of somebody else's blobs, from which lost ones may be had: another data folder, an OCI layout (image-spec v1.1,
/// image-layout.md), or a registry:2 root, also at its <c>docker/registry/v2</c>. Nothing is hashed here, and nothing is written.
/// </summary>
public sealed class FolderDonor(string folder)
{
    private readonly string _folder = Path.GetFullPath(folder);

    /// <returns>The file that should hold the bytes, or null only if the folder was read and no layout has such a file (P6).</returns>
    /// <exception cref="IOException">Something could not be read, or leads out of the folder; whether the bytes are there is not known.</exception>
    public FileStream? TryOpen(Digest digest)
    {
        if (!Directory.Exists(_folder))
            throw new IOException($"the donor folder '{_folder}' is not there or can't be read");
        IOException? first = null;
        foreach (var place in Places(digest))
        {
            try
            {
                if (TryOpenAt(place) is { } found)
                    return found;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // One broken layout doesn't hide what another has.
                first ??= Posix.Translate(e);
            }
        }
        return first is null ? null : throw first;
    }

    // A digest holds nothing but an algorithm and lower-case hex, so no path made of one leaves the folder.
    private static string[] Places(Digest digest)
    {
        var algorithm = digest.Algorithm.Name();
        var hex = digest.Hex;
        return
        [
            $"blobs/{algorithm}/{hex[..2]}/{hex}",
            $"blobs/{algorithm}/{hex}",
            $"docker/registry/v2/blobs/{algorithm}/{hex[..2]}/{hex}",
        ];
    }

    private FileStream? TryOpenAt(string place)
    {
        var path = Path.Combine(_folder, place);
        // registry:2 keeps a folder for each blob; its bytes are the file 'data' in it.
        if (Directory.Exists(path))
            path += "/data";
        // A pipe that someone put there would keep the open waiting for ever.
        var file = Posix.TryOpen(path, Posix.ReadOnly | Posix.NonBlocking);
        if (file is null)
            return null;
        try
        {
            _ = Posix.Examine(file, path);
            // Asked of the open file, so that no link can change between the look and the use.
            var real = RealPath(file.DangerousGetHandle());
            if (!real.StartsWith(RealFolder() + "/", StringComparison.Ordinal))
                throw new IOException($"'{path}' is a link that leads out of the donor folder");
            return new FileStream(file, FileAccess.Read, bufferSize: 0);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // The folder itself may be reached by links: whoever named it meant it.
    private string RealFolder()
    {
        using var open = Posix.Open(_folder, Posix.ReadOnly);
        return RealPath(open.DangerousGetHandle()).TrimEnd('/');
    }

    private static string RealPath(nint descriptor) =>
        new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget ?? throw new IOException("/proc/self/fd can't be read");
}
