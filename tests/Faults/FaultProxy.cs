using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Testing;

/// <summary>Stands on a loopback port between a client and a registry, counts what is asked, and does what registries and networks do on bad days.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly ConcurrentQueue<Asked> _requests = new();
    private readonly ConcurrentDictionary<Socket, Task> _connections = new();
    private readonly List<(Fault Fault, int Left)> _faults = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, AutomaticDecompression = DecompressionMethods.None })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    // Bound for as long as there is a proxy: while it is killed nobody else gets its port, whose answers would be the upstream's.
    private readonly Socket _port = Bind(new IPEndPoint(IPAddress.Loopback, 0));

    private int _broken;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    private FaultProxy(Uri upstream)
    {
        Upstream = upstream;
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_port.LocalEndPoint!).Port}");
    }

    public Uri Address { get; }

    /// <summary>Where requests go.</summary>
    public Uri Upstream { get; set; }

    /// <summary>Sent along to the upstream instead of what the client sends; null: what the client sends.</summary>
    public string? Authorization { get; init; }

    public IReadOnlyCollection<Asked> Requests => _requests;

    /// <summary>Connections that ended in the middle of an answer.</summary>
    public int Broken => Volatile.Read(ref _broken);

    /// <param name="authorization">Sent along to the upstream instead of what the client sends; null: what the client sends.</param>
    public static FaultProxy Start(Uri upstream, string? authorization = null)
    {
        var proxy = new FaultProxy(upstream) { Authorization = authorization };
        proxy.Revive();
        return proxy;
    }

    /// <summary>What comes first counts, as often as it may.</summary>
    public void Add(Fault fault)
    {
        lock (_faults)
            _faults.Add((fault, fault.Times));
    }

    /// <summary>From now on everything passes as it is.</summary>
    public void Heal()
    {
        lock (_faults)
            _faults.Clear();
    }

    public void Forget() => _requests.Clear();

    public int Count(string method, string partOfTarget) =>
        _requests.Count(asked => asked.Method == method && asked.Target.Contains(partOfTarget, StringComparison.Ordinal));

    /// <summary>Breaks all connections and takes no more, as a process that is killed.</summary>
    public async Task KillAsync()
    {
        _listener?.Dispose();
        _listener = null;
        foreach (var socket in _connections.Keys)
            Break(socket);
        await _accepting;
        await Task.WhenAll(_connections.Values);
    }

    /// <summary>Is there again, under the same address.</summary>
    public void Revive()
    {
        var listener = Bind(_port.LocalEndPoint!);
        listener.Listen(512);
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _port.Dispose();
        _http.Dispose();
    }

    private static void Break(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0); // A reset, not an end.
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }
        socket.Dispose();
    }

    private static Socket Bind(EndPoint at)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(at);
        return socket;
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync();
                socket.NoDelay = true;
                var ready = new TaskCompletionSource();
                _connections[socket] = ServeAsync(socket, ready.Task);
                ready.SetResult();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Killed.
        }
    }

    private async Task ServeAsync(Socket socket, Task ready)
    {
        await ready;
        await Task.Yield();
        try
        {
            await using var stream = new NetworkStream(socket);
            while (await RequestHead.ReadAsync(stream) is { } asked)
            {
                _requests.Enqueue(asked);
                var exchange = new ProxyExchange(socket, stream, asked, Take(asked));
                if (!await exchange.RunAsync(_http, Upstream, Authorization))
                    break;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or HttpRequestException or OperationCanceledException)
        {
            // One of both sides has gone; so goes the other.
            Interlocked.Increment(ref _broken);
            Break(socket);
        }
        finally
        {
            socket.Dispose();
            _connections.TryRemove(socket, out _);
        }
    }

    private Fault? Take(Asked asked)
    {
        lock (_faults)
        {
            for (var i = 0; i < _faults.Count; i++)
            {
                var (fault, left) = _faults[i];
                if (left <= 0 || !fault.Of(asked))
                    continue;
                _faults[i] = (fault, left - 1);
                return fault;
            }
        }
        return null;
    }
}
