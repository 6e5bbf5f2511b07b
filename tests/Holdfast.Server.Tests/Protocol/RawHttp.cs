using System.Net.Sockets;
using System.Text;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Requests as no well-behaved client library sends them: bytes on a socket.</summary>
internal static class RawHttp
{
    /// <summary>Sends the text as it is and reads until the server closes the connection.</summary>
    /// <returns>The answer's status, or 0 if the connection was closed without one, and the whole answer.</returns>
    public static async Task<(int Status, string Answer)> SendAsync(Uri address, string request, byte[]? body = null)
    {
        using var socket = await ConnectAsync(address);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        if (body is not null)
            await stream.WriteAsync(body);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var answer = await reader.ReadToEndAsync(timeout.Token);
        return (answer.Length >= 12 && answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(answer[9..12]) : 0, answer);
    }

    public static string Head(string method, string target, params string[] headers) =>
        $"{method} {target} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n";

    public static async Task<Socket> ConnectAsync(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port);
        return socket;
    }
}
