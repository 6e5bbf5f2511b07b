using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Server.Tests.Hosting;

/// <summary>Requests that no HTTP client would send.</summary>
internal static class RawHttp
{
    /// <summary>Sends the bytes and reads all that comes back until the server closes.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="bytes">As Latin-1.</param>
    /// <param name="thenEnd">Ends the sending side first; the server takes that for a client that left.</param>
    public static async Task<string> SendAsync(IPEndPoint server, string bytes, bool thenEnd = false)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server);
        await socket.SendAsync(Encoding.Latin1.GetBytes(bytes));
        if (thenEnd)
            socket.Shutdown(SocketShutdown.Send);
        return await ReadToEndAsync(socket);
    }

    public static async Task<string> ReadToEndAsync(Socket socket)
    {
        var answer = new MemoryStream();
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer, patience.Token)) > 0)
                answer.Write(buffer, 0, read);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // As good an end as any.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    public static async Task<string> GetStringOrErrorAsync(this HttpClient client, string path)
    {
        using var response = await client.GetAsync(path);
        return await response.Content.ReadAsStringAsync();
    }
}
