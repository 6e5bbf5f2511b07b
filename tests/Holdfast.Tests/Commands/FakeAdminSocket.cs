using System.Net.Sockets;
using System.Text;

namespace Holdfast.Tests.Commands;

/// <summary>Something that listens where a server's administration socket would be, and answers every request with the same bytes.</summary>
internal sealed class FakeAdminSocket : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stopped = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _answer;
    private readonly bool _thenWait;
    private readonly Task _serving;

    /// <param name="folder">The data folder; it is made.</param>
    /// <param name="answer">What is sent; the connection is closed afterwards.</param>
    /// <param name="thenWait">Never closes the connection instead.</param>
    public FakeAdminSocket(string folder, string answer, bool thenWait = false)
    {
        (_answer, _thenWait) = (answer, thenWait);
        Directory.CreateDirectory(folder);
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "admin.sock")));
        _listener.Listen();
        _serving = ServeAsync();
    }

    /// <summary>Completes when a request has come and its answer was sent.</summary>
    public Task Asked => _asked.Task;

    /// <summary>An answer in lines, which ends with the connection.</summary>
    public static string Lines(params string[] lines) =>
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n" + string.Concat(lines.Select(line => line + "\n"));

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _serving;
        _listener.Dispose();
        _stopped.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var connection = await _listener.AcceptAsync(_stopped.Token);
                await connection.ReceiveAsync(new byte[4096], _stopped.Token);
                await connection.SendAsync(Encoding.UTF8.GetBytes(_answer), _stopped.Token);
                _asked.TrySetResult();
                if (_thenWait)
                    await Task.Delay(Timeout.Infinite, _stopped.Token);
                connection.Shutdown(SocketShutdown.Both);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }
}
