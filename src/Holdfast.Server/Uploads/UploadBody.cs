using System.Buffers;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Uploads;

/// <summary>Brings a request's body into an upload.</summary>
internal static class UploadBody
{
    // Large enough that system calls and hashing calls don't show; two of them per transfer bound its memory (P10).
    private const int ChunkBytes = 512 * 1024;

    /// <summary>
    /// Appends the body. While one chunk is hashed and written, the next is received. The whole chunks that arrived before a client died stay.
    /// </summary>
    /// <param name="limitBytes">The chunk's stated length, or null.</param>
    /// <returns>Bytes received; more than the limit if the body was longer than stated.</returns>
    public static async Task<long> ReceiveAsync(RegistryRequest request, BlobWriter writer, long? limitBytes, DiskReserve reserve)
    {
        var body = request.Context.Request;
        var size = (int)Math.Clamp(body.ContentLength ?? ChunkBytes, 1, ChunkBytes);
        var filling = ArrayPool<byte>.Shared.Rent(size);
        byte[]? storing = null;
        var pending = Task.CompletedTask;
        long received = 0;
        try
        {
            while (true)
            {
                var filled = await FillAsync(request, filling.AsMemory(0, size));
                await pending;
                received += filled;
                if (filled == 0 || received > limitBytes)
                    return received;
                UploadMetrics.ReceivedBytes.Add(filled);
                if (!reserve.TryTake(filled))
                    throw new StoreFullException("the disk reserve was reached", null);
                pending = writer.AppendAsync(filling.AsMemory(0, filled), CancellationToken.None).AsTask();
                if (received == body.ContentLength)
                {
                    await pending;
                    return received;
                }
                if (filled < size)
                    continue; // The body has ended; the next read finds no bytes and touches no buffer.
                (storing, filling) = (filling, storing ?? ArrayPool<byte>.Shared.Rent(size));
            }
        }
        finally
        {
            // The buffers may only go back once nothing writes from them any more.
            await pending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ArrayPool<byte>.Shared.Return(filling);
            if (storing is not null)
                ArrayPool<byte>.Shared.Return(storing);
        }
    }

    private static async ValueTask<int> FillAsync(RegistryRequest request, Memory<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length)
        {
            var read = await request.ReadBodyAsync(buffer[filled..]);
            if (read == 0)
                break;
            filled += read;
        }
        return filled;
    }
}
