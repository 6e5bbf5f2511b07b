using System.Buffers;
using System.Security.Cryptography;
using Holdfast.Oci;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>Running hashes of files.</summary>
internal static class FileHash
{
    private const int BufferBytes = 256 * 1024;

    public static IncrementalHash Start(DigestAlgorithm algorithm) => IncrementalHash.CreateHash(
        algorithm == DigestAlgorithm.Sha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512);

    /// <summary>The hash so far; more bytes may follow.</summary>
    public static Digest Current(IncrementalHash hash, DigestAlgorithm algorithm)
    {
        Span<byte> bytes = stackalloc byte[64];
        return Digest.FromHash(algorithm, bytes[..hash.GetCurrentHash(bytes)]);
    }

    /// <summary>The hash of a file's first <paramref name="sizeBytes"/> bytes, to go on with.</summary>
    /// <exception cref="IOException">The file can't be read or is shorter.</exception>
    public static IncrementalHash Read(SafeFileHandle file, long sizeBytes, DigestAlgorithm algorithm)
    {
        var hash = Start(algorithm);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (var offset = 0L; offset < sizeBytes;)
            {
                var wanted = (int)Math.Min(buffer.Length, sizeBytes - offset);
                var read = RandomAccess.Read(file, buffer.AsSpan(0, wanted), offset);
                if (read == 0)
                    throw new IOException($"the file ends at {offset} bytes instead of {sizeBytes}");
                hash.AppendData(buffer, 0, read);
                offset += read;
            }
            return hash;
        }
        catch
        {
            hash.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
