using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Holdfast.Server.Blobs;

/// <summary>
/// Sends bytes of a blob as a response's body. The last of them go out only when it is known that all were right (P4): of what the kernel hands over on its
/// own, the client has read everything by then, because more than can be under way was sent through memory since (ADR 10).
/// </summary>
internal static class BlobSender
{
    // Positioned reads of this size straight into the response's pipe cost a third of the CPU of the framework's file sender.
    public const int ChunkBytes = 256 * 1024;

    // Beside what the kernel hands over: it waits for room in the socket, and is enough to see a fault in.
    private const int SmallChunkBytes = 8 * 1024;

    // A client that is as fast as this would keep one of the pool's few threads to itself until its end, and small requests would wait for it.
    private const int TurnBytes = 4 << 20;

    // A file system that hands nothing over is asked so often.
    private const int MaxRefusals = 16;

    // Below this the connection isn't even asked how much may be under way.
    private const int MinHandedOverBytes = 4 << 20;

    // A flush that waits, waits until a third of the socket's send buffer is free, a megabyte or more, and Kestrel counts neither that nor what was handed
    // over: with the listener's few seconds a client was cut that read 100 kB/s, or paused for as long. What a chunk may take at 240 bytes/s, each time.
    private static readonly MinDataRate Pace = new(240, TimeSpan.FromSeconds(ChunkBytes / 240));

    /// <summary>Sends <paramref name="part"/>.</summary>
    /// <param name="whole">The digest to hash for while it is sent; null: these bytes were verified, and need only be what they were.</param>
    /// <returns>False if the client left before the end.</returns>
    /// <exception cref="BlobReadException">
    /// The store failed, gave fewer bytes, or wrong ones. The pipeline says so in the log and cuts the connection before the last byte (P4);
    /// cut here, it would look like a client that left.
    /// </exception>
    public static async Task<bool> SendAsync(HttpContext http, BlobReader reader, ByteRange part, Digest? whole)
    {
        var pipe = http.Response.BodyWriter;
        var aborted = http.RequestAborted;
        var (offset, left) = (part.First, part.LengthBytes);
        using var hash = whole is { } digest ? new RunningHash(digest.Algorithm) : null;
        var socket = hash is null ? http.Features.Get<SocketOutput>() : null;
        // The last chunk is not under way yet when the check is made.
        var copied = socket is not null && left > MinHandedOverBytes ? socket.MostUnderWay() + ChunkBytes : left;
        if (left > copied && http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = Pace;
        var turn = 0;
        var hasRoom = false; // Not before the answer's head has gone out with the first bytes.
        var refusals = 0;
        while (left > 0)
        {
            if (turn >= TurnBytes)
            {
                turn = 0;
                await Task.Yield();
            }
            if (hasRoom && left > copied)
            {
                var asked = (int)Math.Min(left - copied, SocketOutput.MaxSendBytes);
                var sent = socket!.Send(pipe, reader, offset, asked);
                offset += sent;
                left -= sent;
                turn += sent;
                hasRoom = sent == asked;
                refusals = sent == 0 ? refusals + 1 : 0;
                if (refusals == MaxRefusals)
                    copied = left;
                continue;
            }
            var size = (int)Math.Min(left, left > copied ? SmallChunkBytes : ChunkBytes);
            var chunk = pipe.GetMemory(size)[..size];
            var read = await ReadAsync(reader, offset, chunk, aborted);
            if (read == 0)
                throw new BlobReadException(BlobFault.Changed, $"the blob ended at byte {offset}, {left} bytes before its stated size");
            hash?.Append(chunk.Span[..read]);
            offset += read;
            left -= read;
            turn += read;
            if (left == 0)
                await ThrowIfWrongAsync(reader, hash, whole, aborted);
            pipe.Advance(read);
            var flushed = await pipe.FlushAsync(aborted);
            if (flushed.IsCompleted && left > 0)
                return false;
            hasRoom = true;
        }
        return true;
    }

    private static async ValueTask<int> ReadAsync(BlobReader reader, long offset, Memory<byte> chunk, CancellationToken aborted)
    {
        try
        {
            return await reader.ReadAsync(offset, chunk, aborted);
        }
        catch (IOException e)
        {
            throw new BlobReadException(BlobFault.Unreadable, e.Message, e);
        }
    }

    private static async ValueTask ThrowIfWrongAsync(BlobReader reader, RunningHash? hash, Digest? whole, CancellationToken aborted)
    {
        if (hash is not null && hash.Current() != whole)
            throw new BlobReadException(BlobFault.Wrong, "the blob's bytes have another hash; its last bytes were not sent");
        try
        {
            if (await reader.WasChangedAsync(aborted))
                throw new BlobReadException(BlobFault.Changed, "the blob's file was changed while it was sent; its last bytes were not sent");
        }
        catch (IOException e) when (e is not BlobReadException)
        {
            throw new BlobReadException(BlobFault.Unreadable, e.Message, e);
        }
    }
}

internal enum BlobFault
{
    Unreadable,
    Changed,
    Wrong,
}

/// <summary>An answer that had begun could not be brought to its end.</summary>
internal sealed class BlobReadException(BlobFault fault, string message, Exception? cause = null) : IOException(message, cause)
{
    public BlobFault Fault => fault;
}
