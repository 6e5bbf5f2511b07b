using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Holdfast.Bench.Http;

/// <summary>Ends a measurement before its time: first no more requests, then the connections under those that still run.</summary>
internal sealed class Halt : IDisposable
{
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly ManualResetEventSlim _called = new();

    public bool IsCalled => _called.IsSet;

    /// <summary>From here on failures are our own.</summary>
    public bool IsCut { get; private set; }

    public void Call() => _called.Set();

    /// <summary>Waits, but not longer than until the end is called.</summary>
    public void Pause(TimeSpan time) => _called.Wait(time);

    public void Watch(Socket socket)
    {
        _open[socket] = 0;
        if (IsCut)
            Shut(socket);
    }

    public void Forget(Socket socket) => _open.TryRemove(socket, out _);

    public void Cut()
    {
        IsCut = true;
        foreach (var socket in _open.Keys)
            Shut(socket);
    }

    public void Dispose() => _called.Dispose();

    // Whoever waits for it wakes, and closes it himself.
    private static void Shut(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has just ended of its own.
        }
    }
}
