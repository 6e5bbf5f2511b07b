using System.Buffers;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Uploads;

/// <summary>Brings a request's body into an upload.</summary>
internal static class UploadBody
{
    // A transfer has to bring this much before it gets large buffers, so that thousands of slow ones hold little memory (P10).
    private const int LeadBytes = 64 * 1024;

    /// <summary>Appends the body. The whole chunks that arrived before a client died stay.</summary>
    /// <param name="limitBytes">The chunk's stated length, or null.</param>
    /// <returns>Bytes received; more than the limit if the body was longer than stated.</returns>
    public static async Task<long> ReceiveAsync(RegistryRequest request, BlobWriter writer, long? limitBytes, DiskReserve reserve)
    {
        var size = (int)Math.Clamp(request.Context.Request.ContentLength ?? LeadBytes, 1, LeadBytes);
        var lead = ArrayPool<byte>.Shared.Rent(size);
        long received = 0;
        try
        {
            while (true)
            {
                var filled = await FillAsync(request, lead.AsMemory(0, size));
                received += filled;
                if (filled == 0 || received > limitBytes)
                    return received;
                await AppendAsync(writer, lead.AsMemory(0, filled), reserve);
                if (filled < LeadBytes)
                    return received;
                if (AlignedBuffer.TryRent() is not { } first)
                    continue;
                return received + await ReceiveOverlappedAsync(request, writer, first, limitBytes - received, reserve);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(lead);
        }
    }

    // While one chunk is hashed and written, the next is received; without a second buffer they take turns.
    private static async Task<long> ReceiveOverlappedAsync(
        RegistryRequest request, BlobWriter writer, AlignedBuffer first, long? limitBytes, DiskReserve reserve)
    {
        var (filling, storing) = (first, AlignedBuffer.TryRent());
        var pending = Task.CompletedTask;
        long received = 0;
        try
        {
            while (true)
            {
                var filled = await FillAsync(request, filling.Memory);
                await pending;
                received += filled;
                if (filled == 0 || received > limitBytes)
                    return received;
                pending = AppendAsync(writer, filling.Memory[..filled], reserve);
                if (storing is null)
                    await pending;
                else
                    (storing, filling) = (filling, storing);
            }
        }
        finally
        {
            // The buffers may only go back once nothing writes from them any more.
            await pending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            filling.Return();
            storing?.Return();
        }
    }

    private static Task AppendAsync(BlobWriter writer, ReadOnlyMemory<byte> chunk, DiskReserve reserve)
    {
        UploadMetrics.ReceivedBytes.Add(chunk.Length);
        return reserve.TryTake(chunk.Length) ? writer.AppendAsync(chunk, CancellationToken.None).AsTask() : AppendIntoRoomAsync(writer, chunk, reserve);
    }

    private static async Task AppendIntoRoomAsync(BlobWriter writer, ReadOnlyMemory<byte> chunk, DiskReserve reserve)
    {
        if (!await reserve.TryTakeAsync(chunk.Length, CancellationToken.None))
            throw new StoreFullException("the disk reserve was reached", null);
        await writer.AppendAsync(chunk, CancellationToken.None);
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
