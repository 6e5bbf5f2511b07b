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
        var idle = new List<Socket>();
        for (var i = 0; i < 60; i++)
        {
            idle.Add(new Socket(SocketType.Stream, ProtocolType.Tcp));
            try
            {
                await idle[^1].ConnectAsync(host.EndPoint);
            }
            catch (SocketException e) when (i >= 19 && e.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Closed before we had looked.
            }
        }

        var refused = idle.Skip(19).Where(static socket => socket.Connected).Select(RawHttp.ReadToEndAsync);
        (await Task.WhenAll(refused).WaitAsync(TimeSpan.FromSeconds(30))).ShouldAllBe(static answer => answer.Length == 0);
        var metrics = await host.Client.GetStringAsync("/metrics");
        metrics.ShouldContain("holdfast_http_connections 20\n");
        metrics.ShouldContain("holdfast_http_connections_refused_total 41\n");
        foreach (var socket in idle)
            socket.Dispose();
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
}
