using System.Net;
using System.Net.Sockets;
using Holdfast.Server.Tests.Hosting;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

/// <summary>Names with several addresses, addresses that change, connections that hang.</summary>
public class ConnectionTests
{
    private static readonly IPAddress First = IPAddress.Parse("127.0.0.1");
    private static readonly IPAddress Second = IPAddress.Parse("127.0.0.2");

    [Fact]
    public void ConnectionLifetime_IsAtMostHalfAMinute() =>
        new RegistryClientOptions { Registry = new Uri("http://127.0.0.1") }.ConnectionLifetime.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(30));

    [Fact]
    public async Task Get_OfABackendThatMoved_GoesToTheNewAddressAtOnceIfTheOldIsGone()
    {
        var address = First;
        var old = await Mirroring.ServeAsync();
        await using var moved = await Upstream.StartAsync((context, _) => context.SendManifestAsync(), at: new(Second, old.Address.Port));
        using var upstream = new Mirroring(Named(old)) { Resolve = (_, _) => new([address]) }.Start();
        (await upstream.GetAsync("v1")).Failure.ShouldBeNull();
        moved.Requests.ShouldBeEmpty();

        address = Second;
        await old.DisposeAsync();

        (await upstream.GetAsync("v2")).Failure.ShouldBeNull();
        moved.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Get_OfABackendThatMoved_GoesToTheNewAddressThoughTheOldStillAnswers()
    {
        var address = First;
        var blob = Samples.Bytes(7, 1_000);
        var followed = new TaskCompletionSource();
        await using var old = await Upstream.StartAsync(async (context, _) =>
        {
            if (!context.Request.Path.Value!.Contains("blobs", StringComparison.Ordinal))
            {
                await context.SendManifestAsync();
                return;
            }
            context.Response.ContentLength = blob.Length;
            await context.Response.Body.WriteAsync(blob.AsMemory(0, 1));
            await context.Response.Body.FlushAsync();
            await followed.Task.WaitAsync(context.RequestAborted);
            await context.Response.Body.WriteAsync(blob.AsMemory(1));
        });
        await using var moved = await Upstream.StartAsync((context, _) => context.SendManifestAsync(), at: new(Second, old.Address.Port));
        using var client = new RegistryClient(new RegistryClientOptions
        {
            Registry = Named(old),
            Resolve = (_, _) => new([address]),
            ConnectionLifetime = TimeSpan.FromMilliseconds(300),
        });
        var transfer = (await client.OpenBlobAsync(Samples.Repository, Samples.DigestOf(blob), CancellationToken.None)).Value;
        (await client.GetManifestAsync(Samples.Repository, Oci.Tag.Parse("v1"), CancellationToken.None)).Failure.ShouldBeNull();
        moved.Requests.ShouldBeEmpty();

        address = Second;

        using var tooLong = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (moved.Requests.IsEmpty)
            (await client.GetManifestAsync(Samples.Repository, Oci.Tag.Parse("v1"), tooLong.Token)).Failure.ShouldBeNull();
        // What was under way ends where it began.
        followed.SetResult();
        (await transfer.ReadAsync()).ShouldBe(blob);
        old.Requests.Count(static r => r.Target.Contains("blobs", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Get_WhoseFirstAddressRefuses_GoesToTheNext()
    {
        await using var server = await Mirroring.ServeAsync();
        using var upstream = new Mirroring(Named(server)) { Resolve = (_, _) => new([IPAddress.IPv6Loopback, Second, First]) }.Start();

        (await upstream.GetAsync("v1")).Failure.ShouldBeNull();
    }

    [Fact]
    public async Task Get_WhoseFirstAddressNeverAnswers_GoesToTheNextBeforeTheConnectTimeout()
    {
        await using var server = await Mirroring.ServeAsync();
        using var hole = new BlackHole(Second, server.Address.Port);
        using var upstream = new Mirroring(Named(server)) { Resolve = (_, _) => new([Second, First]) }.Start();
        var start = TimeProvider.System.GetTimestamp();

        (await upstream.GetAsync("v1")).Failure.ShouldBeNull();

        server.Requests.Count.ShouldBe(1);
        // The connect timeout is 5 s; if that had ended the first try there would have been no second.
        TimeProvider.System.GetElapsedTime(start).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(240));
    }

    [Fact]
    public async Task Get_WhoseAddressesAllNeverAnswer_IsUnavailableAfterTheConnectTimeout()
    {
        using var hole = new BlackHole(First, 0);
        using var client = new RegistryClient(new RegistryClientOptions
        {
            Registry = new Uri($"http://registry.example:{hole.Port}"),
            Resolve = (_, _) => new([First]),
            ConnectTimeout = TimeSpan.FromMilliseconds(500),
        });

        var failure = (await client.GetManifestAsync(Samples.Repository, Oci.Tag.Parse("v1"), CancellationToken.None)).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
    }

    [Fact]
    public async Task Get_OfANameWithoutAddress_IsUnavailable()
    {
        using var upstream = new Mirroring(new Uri("http://registry.example")) { Time = new ManualTime(), Resolve = (_, _) => new([]) }.Start();

        (await upstream.GetAsync("v1")).Outcome.ShouldBe(RegistryOutcome.Unavailable);
    }

    [Fact]
    public void Interleave_OfTwoFamilies_TakesTurns() =>
        Connector.Interleave([.. new[] { "::1", "::2", "::3", "127.0.0.1", "127.0.0.2" }.Select(IPAddress.Parse)])
            .Select(static a => a.ToString()).ShouldBe(["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]);

    [Fact]
    public async Task Get_WithoutAnAnswer_EndsAfterTheAnswerTimeoutAndNotTheStallTimeout()
    {
        var time = new ManualTime();
        await using var silent = await Upstream.StartAsync((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var upstream = new Mirroring(silent.Address) { Time = time, AnswerTimeout = TimeSpan.FromSeconds(10) }.Start();

        var answering = upstream.GetAsync("v1").AsTask();
        var moved = await Mirroring.MoveUntilAsync(time, answering);

        (await answering).Failure!.Detail.ShouldContain("no byte came for 10 seconds");
        moved.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(10));
        silent.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Read_ThatStops_EndsAfterTheStallTimeoutAndNotTheAnswerTimeout()
    {
        var time = new ManualTime();
        var blob = Samples.Bytes(7, 1_000);
        await using var only = await Upstream.StartAsync(async (context, number) =>
        {
            if (number > 1)
            {
                await context.SendRangeAsync(blob);
                return;
            }
            context.Response.ContentLength = blob.Length;
            await context.Response.Body.WriteAsync(blob.AsMemory(0, 10));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var upstream = new Mirroring(only.Address) { Time = time, AnswerTimeout = TimeSpan.FromMinutes(20), StallTimeout = TimeSpan.FromMinutes(2) }.Start();
        var opened = (await upstream.OpenBlobAsync(Samples.Repository, Samples.DigestOf(blob), CancellationToken.None)).Value;

        var reading = opened.ReadAsync();
        var moved = await Mirroring.MoveUntilAsync(time, reading);

        (await reading).ShouldBe(blob);
        only.Requests.Last().Range.ShouldBe("bytes=10-");
        moved.ShouldBeInRange(TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(19));
    }

    private static Uri Named(Upstream server) => new($"http://registry.example:{server.Address.Port}");

    /// <summary>A port that takes no connection and refuses none: its queue is full.</summary>
    private sealed class BlackHole : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _queued = [];

        public BlackHole(IPAddress address, int port)
        {
            _listener.Bind(new IPEndPoint(address, port));
            _listener.Listen(0);
            Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
            for (var full = false; !full;)
            {
                var one = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _queued.Add(one);
                try
                {
                    one.Connect(address, Port);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                    full = !one.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectWrite);
                }
            }
        }

        public int Port { get; }

        public void Dispose()
        {
            foreach (var one in _queued)
                one.Dispose();
            _listener.Dispose();
        }
    }
}
