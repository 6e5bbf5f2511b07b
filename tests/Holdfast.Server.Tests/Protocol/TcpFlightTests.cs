using System.Net;
using System.Net.Sockets;
using Holdfast.Server.Http;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

public sealed class TcpFlightTests
{
    private const int SmallBuffer = 16 * 1024;

    [Theory, Promise("P4")]
    [InlineData(0, 0, 0)]
    [InlineData(0, 0, 512L << 20)]
    // A small buffer when it connects means small windows ever after; a large one behind them is filled all the same.
    [InlineData(SmallBuffer, 1 << 30, 0)]
    public async Task MostUnderWay_PeerThatReadsNothing_IsAtLeastWhatIsTaken(int bufferBefore, int bufferAfter, long readBefore)
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen();
        using var peer = new Socket(SocketType.Stream, ProtocolType.Tcp);
        if (bufferBefore > 0)
            peer.ReceiveBufferSize = bufferBefore;
        await peer.ConnectAsync(listener.LocalEndPoint!);
        if (bufferAfter > 0)
            peer.ReceiveBufferSize = bufferAfter;
        using var sender = await listener.AcceptAsync();

        // A buffer grows while it is read from.
        var bytes = new byte[1 << 20];
        var reading = ReadAsync(peer, readBefore);
        for (var sent = 0L; sent < readBefore; sent += bytes.Length)
            await sender.SendAsync(bytes);
        await reading;
        var taken = 0L;
        sender.Blocking = false;
        while (sender.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectWrite))
            taken += sender.Send(bytes, SocketFlags.None, out _);
        TcpFlight.MostUnderWay(sender).ShouldBeGreaterThanOrEqualTo(taken);
    }

    /// <summary>The same address is the same network namespace; any other may be another's, with larger limits, which its window tells.</summary>
    [Theory, Promise("P4")]
    [InlineData(SmallBuffer, 0, true)]
    [InlineData(0, SmallBuffer, false)]
    public async Task MostUnderWay_PeerOfAnotherAddress_CountsTheWindowThatItMayOffer(int ownBuffer, int peersBuffer, bool hasLargeWindow)
    {
        var same = await MeasureAsync(IPAddress.Loopback, ownBuffer, peersBuffer);
        var other = await MeasureAsync(IPAddress.Parse("127.0.0.2"), ownBuffer, peersBuffer);
        (other > same).ShouldBe(hasLargeWindow);
    }

    private static async Task<long> MeasureAsync(IPAddress peersAddress, int ownBuffer, int peersBuffer)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (ownBuffer > 0)
            listener.ReceiveBufferSize = ownBuffer;
        if (peersBuffer > 0)
            peer.ReceiveBufferSize = peersBuffer;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        peer.Bind(new IPEndPoint(peersAddress, 0));
        await peer.ConnectAsync(listener.LocalEndPoint!);
        using var sender = await listener.AcceptAsync();
        return TcpFlight.MostUnderWay(sender);
    }

    private static async Task ReadAsync(Socket peer, long countBytes)
    {
        var bytes = new byte[1 << 20];
        while (countBytes > 0)
            countBytes -= await peer.ReceiveAsync(bytes);
    }
}
