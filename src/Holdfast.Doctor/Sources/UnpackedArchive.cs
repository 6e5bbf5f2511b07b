using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Doctor.Sources;

/// <summary>
/// Archives that were packed with gzip (<c>docker save app | gzip</c>): their members are read in any order, which a packed stream can't be, so it is unpacked once into a file without a
/// name, which goes with the process whatever becomes of that.
/// </summary>
internal static class UnpackedArchive
{
    // Layers of text pack to a fifth; a bomb unpacks to a thousand times its size. What is below the first bound is harmless.
    private const long HarmlessBytes = 1L << 30;
    private const int MaxRatio = 50;
    private const int BufferBytes = 1 << 20;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static bool IsPacked(SafeFileHandle file)
    {
        Span<byte> start = stackalloc byte[2];
        return RandomAccess.Read(file, start, 0) == 2 && start[0] == 0x1f && start[1] == 0x8b;
    }

    /// <exception cref="SourceException">It can't be unpacked, is a bomb, or there is no room for it.</exception>
    public static SafeFileHandle Unpack(string path, SafeFileHandle packed, CancellationToken token) => Unpack(path, packed, HarmlessBytes, token);

    internal static SafeFileHandle Unpack(string path, SafeFileHandle packed, long harmlessBytes, CancellationToken token)
    {
        var size = RandomAccess.GetLength(packed);
        var limit = Math.Max(harmlessBytes, size * MaxRatio);
        var folder = Path.GetTempPath();
        var file = Create(folder);
        try
        {
            using var gzip = new GZipStream(new SliceStream(packed, 0, size), CompressionMode.Decompress);
            var buffer = new byte[BufferBytes];
            var written = 0L;
            for (int read; (read = gzip.ReadAtLeast(buffer, BufferBytes, throwOnEndOfStream: false)) > 0; written += read)
            {
                token.ThrowIfCancellationRequested();
                if (written + read > limit)
                    throw new SourceException($"'{path}' unpacks to more than {limit} bytes, {MaxRatio} times its size: that is no archive of images, or one to be unpacked by hand (gunzip --keep)");
                Write(file, buffer.AsSpan(0, read), written, folder);
            }
            return file;
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is InvalidDataException or EndOfStreamException)
                throw new SourceException($"'{path}' can't be unpacked: {e.Message.TrimEnd('.')}", e);
            throw;
        }
    }

    private static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset, string folder)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (IOException e)
        {
            throw new SourceException($"a packed archive is unpacked into {folder} first, and that failed: {e.Message.TrimEnd('.')}; set TMPDIR to a folder with room", e);
        }
    }

    private static SafeFileHandle Create(string folder)
    {
        var path = Path.Combine(folder, "holdfast-" + Path.GetRandomFileName());
        using var named = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, UnixCreateMode = OwnerOnly });
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        // It lives as long as somebody has it open.
        File.Delete(path);
        return file;
    }
}
