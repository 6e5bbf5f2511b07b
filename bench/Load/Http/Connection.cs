using System.Net.Sockets;

namespace Holdfast.Load.Http;

/// <summary>One connection, blocking: used where a thread per connection is light enough (pushes) and to prepare data.</summary>
internal sealed class Connection(Target target) : IDisposable
{
    private const int ReceiveTimeoutMilliseconds = 120_000;

    private readonly byte[] _received = new byte[64 * 1024];
    private readonly ResponseReader _response = new() { ReadsHeaders = true };
    private Socket? _socket;

    public static Socket Open(Target target)
    {
        var socket = new Socket(target.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(target.Address);
            return socket;
        }
        catch (SocketException problem)
        {
            socket.Dispose();
            throw new RequestFailedException(KindOf(problem.SocketErrorCode));
        }
    }

    public static string KindOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.ConnectionReset or SocketError.Shutdown => "connection reset",
        SocketError.TimedOut or SocketError.WouldBlock => "timeout",
        _ => $"socket: {error}",
    };

    /// <summary>Sends a request and reads the whole answer.</summary>
    /// <returns>Valid until the next exchange.</returns>
    /// <exception cref="RequestFailedException">The exchange didn't end; the connection is closed and the next exchange opens another.</exception>
    public ResponseReader Exchange(byte[] head, Payload? payload = null, bool bodiless = false, MemoryStream? body = null)
    {
        var socket = _socket ??= Open(target);
        socket.ReceiveTimeout = ReceiveTimeoutMilliseconds;
        _response.Body = body;
        _response.Begin(bodiless);
        try
        {
            Send(socket, head);
            payload?.WriteTo(bytes => Send(socket, bytes));
            Receive(socket);
        }
        catch
        {
            Dispose();
            throw;
        }

        if (!_response.KeepAlive)
            Dispose();
        return _response;
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _socket = null;
    }

    private void Receive(Socket socket)
    {
        while (true)
        {
            var count = socket.Receive(_received, SocketFlags.None, out var error);
            if (error != SocketError.Success)
                throw new RequestFailedException(KindOf(error));
            if (count == 0)
                throw new RequestFailedException("connection closed");
            if (_response.Feed(_received.AsSpan(0, count)))
                return;
        }
    }

    private static void Send(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var sent = socket.Send(bytes, SocketFlags.None, out var error);
            if (error != SocketError.Success)
                throw new RequestFailedException(KindOf(error));
            bytes = bytes[sent..];
        }
    }
}
