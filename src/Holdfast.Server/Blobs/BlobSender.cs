using Holdfast.Storage.Blobs;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Blobs;

/// <summary>Sends bytes of a blob as a response's body.</summary>
internal static class BlobSender
{
    // Positioned reads of this size straight into the response's pipe cost a third of the CPU of the framework's file sender.
    private const int ChunkBytes = 256 * 1024;

    /// <summary>Sends <paramref name="part"/>.</summary>
    /// <exception cref="IOException">
    /// The store gave fewer bytes than that. The pipeline says so in the log and cuts the connection before the last byte (P4); cut here, it
    /// would look like a client that left.
    /// </exception>
    public static async Task SendAsync(HttpContext http, BlobReader reader, ByteRange part)
    {
        var pipe = http.Response.BodyWriter;
        var aborted = http.RequestAborted;
        var (offset, left) = (part.First, part.LengthBytes);
        while (left > 0)
        {
            var chunk = pipe.GetMemory((int)Math.Min(left, ChunkBytes));
            if (chunk.Length > left)
                chunk = chunk[..(int)left];
            var read = await reader.ReadAsync(offset, chunk, aborted);
            if (read == 0)
                throw new IOException($"the blob ended at byte {offset}, {left} bytes before its stated size");
            pipe.Advance(read);
            offset += read;
            left -= read;
            var flushed = await pipe.FlushAsync(aborted);
            if (flushed.IsCompleted)
                return;
        }
    }
}
