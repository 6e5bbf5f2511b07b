using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Holdfast.Bench.Http;

/// <summary>One connection, blocking: used where a thread per connection is light enough (pushes), with TLS, and to prepare data.</summary>
internal sealed class Connection(Target target, Halt halt, TimeSpan timeout) : IDisposable
{
    private const int MaxSaid = 300;

    private readonly byte[] _received = new byte[64 * 1024];
    private readonly ResponseReader _response = new() { ReadsHeaders = true };
    private Socket? _socket;
    private SslStream? _secure;

    /// <summary>Set to have bodies hashed.</summary>
    public bool Hashes
    {
        init => _response.Hash = value ? System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256) : null;
    }

    /// <summary>The last answer, until the next exchange.</summary>
    public ResponseReader Last => _response;

    public static Socket Open(Target target, Halt halt, TimeSpan timeout)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(target.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Connect(target.Address);
            socket.ReceiveTimeout = socket.SendTimeout = (int)timeout.TotalMilliseconds;
            halt.Watch(socket);
            return socket;
        }
        catch (SocketException problem)
        {
            socket?.Dispose();
            throw new RequestFailedException(KindOf(problem.SocketErrorCode));
        }
    }

    public static string KindOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.ConnectionReset or SocketError.Shutdown => "connection reset",
        SocketError.TimedOut or SocketError.WouldBlock => "timeout",
        SocketError.TooManyOpenSockets => "too many open files here: ulimit -n",
        _ => $"socket: {error}",
    };

    /// <summary>Sends a request and reads the whole answer.</summary>
    /// <returns>Valid until the next exchange.</returns>
    /// <exception cref="RequestFailedException">The exchange didn't end; the connection is closed and the next exchange opens another.</exception>
    public ResponseReader Exchange(byte[] head, Payload? payload = null, bool bodiless = false, MemoryStream? body = null)
    {
        _response.Body = body;
        _response.Begin(bodiless);
        var isWhole = true;
        try
        {
            // A connection that the server has ended while nothing was asked is no failure of what is asked now.
            if (_socket is not null && _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0)
                Dispose();
            if (_socket is null)
                Connect();
            Send(head);
            payload?.WriteTo(bytes => isWhole = isWhole && TrySendPart(bytes));
            Receive();
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            Dispose();
            throw new RequestFailedException(
                e is AuthenticationException ? "tls refused" : e.InnerException is SocketException inner ? KindOf(inner.SocketErrorCode) : "connection closed");
        }
        catch
        {
            Dispose();
            throw;
        }

        if (!_response.KeepAlive || !isWhole)
            Dispose();
        return _response;
    }

    /// <summary>Sends a question and checks the answer.</summary>
    /// <returns>Bytes of the answer's body.</returns>
    /// <exception cref="RequestFailedException">It isn't what it must be.</exception>
    public long Ask(byte[] head, Question question)
    {
        var response = Exchange(head, bodiless: question.IsBodiless);
        return question.FaultOf(response) is { } kind ? throw new RequestFailedException(kind) { Status = response.Status } : response.BodyBytes;
    }

    /// <summary>An exchange that is no part of a measurement: its error says what the server said.</summary>
    /// <returns>The answer's body.</returns>
    public string Say(byte[] head, int status, Payload? payload = null)
    {
        using var body = new MemoryStream();
        var response = Exchange(head, payload, body: body);
        var said = Encoding.UTF8.GetString(body.ToArray());
        return response.Status == status ? said : throw Refused(response, said);
    }

    public static RequestFailedException Refused(ResponseReader response, string said) => new($"status {response.Status}")
    {
        Status = response.Status,
        Said = response.Status is >= 300 and < 400 ? $"it sends to {Printable(response.Location ?? "")}" : Printable(said),
    };

    public void Dispose()
    {
        if (_socket is not null)
            halt.Forget(_socket);
        _secure?.Dispose();
        _socket?.Dispose();
        (_secure, _socket) = (null, null);
    }

    private static string Printable(string text)
    {
        var line = new string([.. text.Take(MaxSaid).Select(static c => c is >= ' ' and <= '~' ? c : ' ')]).Trim();
        return text.Length > MaxSaid ? line + "…" : line;
    }

    private void Connect()
    {
        _socket = Open(target, halt, timeout);
        if (target.Tls is not { } options)
            return;
        _secure = new SslStream(new NetworkStream(_socket, ownsSocket: false));
        _secure.AuthenticateAsClient(options);
    }

    private void Receive()
    {
        while (true)
        {
            var count = Receive(_received);
            if (count == 0)
                throw new RequestFailedException("connection closed");
            if (_response.Feed(_received.AsSpan(0, count)))
                return;
        }
    }

    private int Receive(byte[] buffer)
    {
        if (_secure is not null)
            return _secure.Read(buffer);
        var count = _socket!.Receive(buffer, SocketFlags.None, out var error);
        return error == SocketError.Success ? count : throw new RequestFailedException(KindOf(error));
    }

    // A server that refuses a push answers before it has all of the body, and need not read the rest; what it says counts, not that it then hangs up.
    private bool TrySendPart(ReadOnlySpan<byte> bytes)
    {
        if (_secure is null && _socket!.Poll(0, SelectMode.SelectRead))
            return false;
        return Send(bytes);
    }

    /// <returns>False: an answer, or the connection's end, came before all of it was taken.</returns>
    private bool Send(ReadOnlySpan<byte> bytes)
    {
        if (_secure is null)
            return Sending.TrySend(_socket!, bytes, timeout);
        _secure.Write(bytes);
        return true;
    }
}
