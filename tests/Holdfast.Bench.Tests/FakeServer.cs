using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Holdfast.Bench.Tests;

/// <summary>Answers whatever it is asked, as its test wants; a thread for each connection.</summary>
internal sealed class FakeServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<int, string, string> _answer;
    private readonly X509Certificate2? _certificate;
    private int _number = -1;

    /// <param name="answer">By the request's number and its head; empty to close the connection.</param>
    public FakeServer(Func<int, string, string> answer, X509Certificate2? certificate = null)
    {
        (_answer, _certificate) = (answer, certificate);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        new Thread(Serve) { IsBackground = true }.Start();
    }

    public int Asked => Volatile.Read(ref _number) + 1;

    public BenchServer Server => new("fake", new Uri($"{(_certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}"));

    public static string Ok(string body) => $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    /// <summary>The time that an answer takes is what is measured here. At least so long; what is asserted of it must hold for any longer time, too.</summary>
    public static string OkAfter(int milliseconds, string body)
    {
        var asked = Stopwatch.GetTimestamp();
        SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(asked).TotalMilliseconds >= milliseconds);
        return Ok(body);
    }

    public static string Status(int status) => $"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n";

    public void Dispose() => _listener.Dispose();

    private void Serve()
    {
        try
        {
            while (true)
            {
                var socket = _listener.Accept();
                new Thread(() => Answer(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception problem) when (problem is SocketException or ObjectDisposedException)
        {
            return; // the test is over
        }
    }

    private void Answer(Socket socket)
    {
        using var stream = new NetworkStream(socket, ownsSocket: true);
        using var secure = _certificate is null ? null : new SslStream(stream);
        try
        {
            secure?.AuthenticateAsServer(_certificate!);
            Answer((Stream?)secure ?? stream);
        }
        catch (Exception problem) when (problem is IOException or System.Security.Authentication.AuthenticationException)
        {
            return; // the client hung up
        }
    }

    private void Answer(Stream stream)
    {
        var request = new byte[4096];
        for (int count; (count = stream.Read(request)) > 0;)
        {
            var text = _answer(Interlocked.Increment(ref _number), Encoding.ASCII.GetString(request, 0, count));
            if (text.Length == 0)
                return;
            stream.Write(Encoding.ASCII.GetBytes(text));
            if (text.Contains("close", StringComparison.Ordinal))
                return;
        }
    }
}
