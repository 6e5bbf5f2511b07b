using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Bench.Loops;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class MeasurementTests
{
    private const string Good = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

    [Theory]
    [InlineData("--requests", "50")]
    [InlineData("--requests", "50", "--rate", "5000")]
    [InlineData("--requests", "50", "--threads", "3")]
    public void Take_CountedReads_AsksExactlyThatOften(params string[] how)
    {
        var asked = 0;
        var result = Take(_ => { Interlocked.Increment(ref asked); return Good; }, how);

        result.Completed.ShouldBe(50);
        result.Errors.ShouldBeEmpty();
        asked.ShouldBe(51); // one more to learn the length
    }

    [Fact]
    public void Take_ServerClosesAfterEachAnswer_Reconnects()
    {
        var result = Take(_ => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", "--requests", "50");

        result.Completed.ShouldBe(50);
        result.Errors.ShouldBeEmpty();
    }

    [Fact]
    public void Take_BadAnswers_AreCountedByKind()
    {
        // The first answer sets the expected length.
        string[] answers = [Good, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", ""];
        var result = Take(number => answers[number % 4], "--requests", "40", "--connections", "1");

        result.Completed.ShouldBe(10);
        result.Errors.ShouldBe(
            new Dictionary<string, long>(StringComparer.Ordinal) { ["wrong length"] = 10, ["status 503"] = 10, ["connection closed"] = 10 },
            ignoreOrder: true);
    }

    [Fact]
    public void Take_OpenLoopOnASlowServer_ChargesTheWait()
    {
        // 20 requests due within 20 ms, answered one after the other in 5 ms each: the last waits for all the others.
        var result = Take(_ => { Thread.Sleep(5); return Good; }, "--requests", "20", "--rate", "1000", "--connections", "1");

        result.LatencyMilliseconds.Max.ShouldBeGreaterThan(60);
    }

    /// <param name="answer">By the request's number; empty to close the connection.</param>
    private static RunResult Take(Func<int, string> answer, params string[] how)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var number = -1;
        new Thread(() => Serve(listener, () => answer(Interlocked.Increment(ref number)))) { IsBackground = true }.Start();
        return Measurement.Take(RunOptions.Read(new Arguments(
            ["--url", $"http://{listener.LocalEndPoint}", "--workload", "get", "--path", "/x", "--connections", "4", .. how])));
    }

    private static void Serve(Socket listener, Func<string> answer)
    {
        try
        {
            while (true)
            {
                var socket = listener.Accept();
                new Thread(() => Answer(socket, answer)) { IsBackground = true }.Start();
            }
        }
        catch (Exception problem) when (problem is SocketException or ObjectDisposedException)
        {
            return; // the test is over
        }
    }

    private static void Answer(Socket socket, Func<string> answer)
    {
        using (socket)
        {
            var request = new byte[4096];
            while (socket.Receive(request, SocketFlags.None, out _) > 0)
            {
                var text = answer();
                if (text.Length == 0)
                    return;
                socket.Send(Encoding.ASCII.GetBytes(text), SocketFlags.None, out _);
                if (text.Contains("close", StringComparison.Ordinal))
                    return;
            }
        }
    }
}
