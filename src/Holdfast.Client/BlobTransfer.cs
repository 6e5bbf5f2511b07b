using System.Buffers;
using System.Security.Cryptography;
using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>Hands a blob on, and says at the end whether it was the right one.</summary>
internal static class BlobTransfer
{
    private const int BufferBytes = 256 << 10;

    public static async ValueTask<RegistryAnswer<long>> RunAsync(
        RemoteBlob blob, Digest digest, long? sizeBytes, Func<ReadOnlyMemory<byte>, ValueTask> sink, CancellationToken token)
    {
        if (sizeBytes is { } wanted && blob.SizeBytes is { } stated && stated != wanted)
            return OtherThan(blob, $"{digest} has {stated} bytes there instead of {wanted}", stated);
        using var hash = IncrementalHash.CreateHash(digest.Algorithm == DigestAlgorithm.Sha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var total = 0L;
            while (true)
            {
                int read;
                try
                {
                    read = await blob.Content.ReadAsync(buffer, token);
                }
                catch (BlobBrokenException e)
                {
                    return new(e.Failure);
                }
                if (read == 0)
                    break;
                total += read;
                if (total > sizeBytes)
                    return Mismatch($"{digest} has more than {sizeBytes} bytes there", total);
                hash.AppendData(buffer, 0, read);
                await sink(buffer.AsMemory(0, read));
            }
            if (sizeBytes is not null && total != sizeBytes)
                return OtherThan(blob, $"{digest} has {total} bytes there instead of {sizeBytes}", total);
            var found = Digest.FromHash(digest.Algorithm, hash.GetHashAndReset());
            return found == digest ? new(total) : Mismatch($"the bytes that were sent for {digest} are those of {found}", total, found);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static RegistryAnswer<long> OtherThan(RemoteBlob blob, string detail, long received) => blob.Page is { } page ? new(page) : Mismatch(detail, received);

    private static RegistryAnswer<long> Mismatch(string detail, long received, Digest found = default) =>
        new(new RegistryFailure(RegistryOutcome.Mismatch, detail) { Status = 200, ReceivedBytes = received, Found = found });
}
