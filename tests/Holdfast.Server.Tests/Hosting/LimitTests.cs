using System.Net.Sockets;
using System.Text;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public class LimitTests
{
    [Fact]
    [Promise("P10")]
    public async Task Connections_BeyondTheLimit_AreClosedAndCounted()
    {
        await using var host = await HostUnderTest.StartAsync(
            HostUnderTest.Answering("ok"), static options => options with { Limits = new LimitOptions { Connections = 20 } });

        // One that stays open counts too.
        (await host.Client.GetStringAsync("/v2/")).ShouldBe("ok");
        var idle = Enumerable.Range(0, 60).Select(static _ => new Socket(SocketType.Stream, ProtocolType.Tcp)).ToList();
        var ends = idle.Select(socket => ConnectAndReadAsync(socket, host)).ToList();

        // Which of them are refused is up to the order in which the server comes to them; how many is not.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var refused = 0;
        await foreach (var end in Task.WhenEach(ends).WithCancellation(patience.Token))
        {
            (await end).ShouldBe("");
            if (++refused == 41)
                break;
        }

        var metrics = await host.Client.GetStringAsync("/metrics");
        metrics.ShouldContain("holdfast_http_connections 20\n");
        metrics.ShouldContain("holdfast_http_connections_refused_total 41\n");
        foreach (var socket in idle)
            socket.Dispose();
        await Task.WhenAll(ends).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    [Fact]
    [Promise("P10")]
    public async Task SlowBody_BelowTheMinimumRate_Is408()
    {
        await using var host = await HostUnderTest.StartAsync(
            static request => request.Context.Request.Body.CopyToAsync(Stream.Null, request.Aborted));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.EndPoint);
        await socket.SendAsync(Encoding.ASCII.GetBytes("PUT /v2/a/manifests/b HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"));
        var answer = await RawHttp.ReadToEndAsync(socket).WaitAsync(TimeSpan.FromSeconds(40));
        answer.ShouldStartWith("HTTP/1.1 408 ");
        answer.ShouldContain("\"errors\"");
    }

    [Fact]
    [Promise("P10")]
    public async Task Headers_BeyondTheLimit_AreRefused()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        var answer = await RawHttp.SendAsync(host.EndPoint, $"GET /v2/ HTTP/1.1\r\nHost: x\r\nX: {new string('a', 40_000)}\r\n\r\n");
        answer.ShouldNotStartWith("HTTP/1.1 200");
    }

    private static async Task<string> ConnectAndReadAsync(Socket socket, HostUnderTest host)
    {
        try
        {
            await socket.ConnectAsync(host.EndPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return ""; // Closed before we had looked.
        }

        return await RawHttp.ReadToEndAsync(socket);
    }
}
