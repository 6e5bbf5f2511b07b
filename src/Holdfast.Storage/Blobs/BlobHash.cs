using System.Buffers;
using Holdfast.Oci;

namespace Holdfast.Storage.Blobs;

/// <summary>Hashes all bytes of a stored blob.</summary>
public static class BlobHash
{
    // Large enough that calls don't show, small enough to hold a rate evenly.
    private const int ChunkBytes = 1024 * 1024;

    /// <param name="pace">Called with the bytes of each chunk before it is read; null: as fast as it goes.</param>
    /// <returns>The digest of what is stored, whatever its length.</returns>
    /// <exception cref="IOException">The bytes could not be read.</exception>
    public static async ValueTask<Digest> ComputeAsync(
        BlobReader reader, DigestAlgorithm algorithm, Func<int, CancellationToken, ValueTask>? pace, CancellationToken cancellationToken)
    {
        using var hash = new RunningHash(algorithm);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(reader.SizeBytes, 4096, ChunkBytes));
        try
        {
            for (var offset = 0L; offset < reader.SizeBytes;)
            {
                var wanted = (int)Math.Min(buffer.Length, reader.SizeBytes - offset);
                if (pace is not null)
                    await pace(wanted, cancellationToken);
                var read = await reader.ReadAsync(offset, buffer.AsMemory(0, wanted), cancellationToken);
                if (read == 0)
                    break;
                hash.Append(buffer.AsSpan(0, read));
                offset += read;
            }
            return hash.Current();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
