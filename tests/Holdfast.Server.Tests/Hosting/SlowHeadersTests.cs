using System.Net.Sockets;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

// A class of its own, so that its 20 seconds run beside the other tests.
public class SlowHeadersTests
{
    [Fact]
    [Promise("P10")]
    public async Task SlowHeaders_PastTheTimeout_EndTheConnection()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.EndPoint);
        await socket.SendAsync("GET /v2/ HTTP/1.1\r\nHost: "u8.ToArray());
        (await RawHttp.ReadToEndAsync(socket).WaitAsync(TimeSpan.FromSeconds(50))).ShouldStartWith("HTTP/1.1 408 ");
    }
}
