using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Testing;

/// <summary>One request and its answer, with what goes wrong in between.</summary>
internal sealed class ProxyExchange(Socket socket, Stream client, Asked asked, Fault? fault)
{
    private static readonly string[] OfTheConnection = ["Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Host", "Proxy-Connection"];

    private Task? _closed;

    private bool IsHead => asked.Method == "HEAD";

    /// <returns>Can the connection be used for another one?</returns>
    public async Task<bool> RunAsync(HttpClient http, Uri upstream, string? authorization)
    {
        if (fault is { Gate: { } gate, GateAt: < 0 } && !await gate.PassAsync(_closed = ClosedAsync()))
            return false;
        if (fault?.RedirectTo is { } elsewhere)
            return await AnswerAsync(307, [("Location", new Uri(elsewhere, asked.Target).ToString())], null, 0);
        if (fault?.Status is { } status)
            return await AnswerAsync(status, fault.Headers, new MemoryStream(fault.Body), fault.Body.Length);
        using var request = new HttpRequestMessage(new HttpMethod(asked.Method), new Uri(upstream, asked.Target));
        foreach (var (name, value) in asked.Headers.Where(static header => !OfTheConnection.Contains(header.Name, StringComparer.OrdinalIgnoreCase)))
        {
            var isSpoilt = fault?.ExpireToken == true && name.Equals("Authorization", StringComparison.OrdinalIgnoreCase);
            request.Headers.TryAddWithoutValidation(name, isSpoilt ? "Bearer expired" : value);
        }
        if (authorization is not null)
        {
            request.Headers.Remove("Authorization");
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var headers = response.Headers.Concat(response.Content.Headers)
            .Where(static header => !OfTheConnection.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
            .SelectMany(static header => header.Value.Select(value => (header.Key, value)))
            .Where(header => fault is null || (!fault.Without.Contains(header.Key, StringComparer.OrdinalIgnoreCase) && !fault.Headers.Any(other => other.Name.Equals(header.Key, StringComparison.OrdinalIgnoreCase))))
            .Concat(fault?.Headers ?? []).ToList();
        await using var body = await response.Content.ReadAsStreamAsync();
        return await AnswerAsync((int)response.StatusCode, headers, body, response.Content.Headers.ContentLength);
    }

    private async Task<bool> AnswerAsync(int status, IReadOnlyList<(string Name, string Value)> headers, Stream? body, long? length)
    {
        var hides = fault?.Without.Contains("Content-Length", StringComparer.OrdinalIgnoreCase) == true;
        long? ended = fault?.EndAfter is { } end && (length is null || end < length) ? end : length;
        var stated = fault?.Chunked == true || hides ? null : fault?.StatedLength ?? ended;
        var isChunked = stated is null && !IsHead;
        // A lie about the length can't be followed by another answer; nor can a gate, as somebody waits there for the connection's end.
        var closes = fault?.StatedLength is not null || fault?.Gate is not null || fault?.CutAfter is not null;
        var head = new StringBuilder($"HTTP/1.1 {status} {(HttpStatusCode)status}\r\n");
        foreach (var (name, value) in headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (stated is { } bytes)
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {bytes}\r\n");
        else if (isChunked)
            head.Append("Transfer-Encoding: chunked\r\n");
        head.Append(closes ? "Connection: close\r\n\r\n" : "\r\n");
        await client.WriteAsync(Encoding.Latin1.GetBytes(head.ToString()));
        if (!IsHead && body is not null)
            await SendBodyAsync(body, isChunked);
        if (closes)
            await EndAsync();
        return !closes;
    }

    // To close it while somebody waits to read from it would be a reset, which may overtake what was sent.
    private async Task EndAsync()
    {
        socket.Shutdown(SocketShutdown.Send);
        await (_closed ?? ClosedAsync());
    }

    private async Task SendBodyAsync(Stream body, bool isChunked)
    {
        var buffer = new byte[64 << 10];
        var (sent, passed) = (0L, false);
        while (true)
        {
            if (fault is { Gate: { } gate, GateAt: >= 0 } && !passed && sent >= fault.GateAt)
            {
                passed = true;
                if (!await gate.PassAsync(_closed = ClosedAsync()))
                    throw new IOException("the client has left");
            }
            if (fault?.CutAfter <= sent)
                throw new IOException("cut, as was asked for");
            var room = Math.Min(Left(fault?.CutAfter, sent), Left(fault?.EndAfter, sent));
            room = Math.Min(room, passed || fault?.Gate is null || fault.GateAt < 0 ? long.MaxValue : fault.GateAt - sent);
            var read = room == 0 ? 0 : await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, room)));
            if (read == 0)
                break;
            if (fault?.Flip is { } at && at >= sent && at < sent + read)
                buffer[at - sent] ^= 1;
            await SendAsync(buffer.AsMemory(0, read), isChunked);
            sent += read;
            if (fault?.BytesPerSecond is { } rate)
                await Task.Delay(TimeSpan.FromSeconds((double)read / rate));
        }
        if (isChunked)
            await client.WriteAsync("0\r\n\r\n"u8.ToArray());
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, bool isChunked)
    {
        if (isChunked)
            await client.WriteAsync(Encoding.Latin1.GetBytes($"{bytes.Length:x}\r\n"));
        await client.WriteAsync(bytes);
        if (isChunked)
            await client.WriteAsync("\r\n"u8.ToArray());
    }

    private static long Left(long? end, long sent) => end is { } at ? at - sent : long.MaxValue;

    // The client has nothing more to say while it waits: what can be read is the end.
    private async Task ClosedAsync()
    {
        try
        {
            await socket.ReceiveAsync(new byte[1]);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed roughly.
        }
    }
}
