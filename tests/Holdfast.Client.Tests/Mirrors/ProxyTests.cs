using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Oci;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

/// <summary>Upstreams behind a proxy, and upstreams whose authority only a file knows.</summary>
public class ProxyTests
{
    private static readonly byte[] Blob = Samples.Bytes(7, 1_000);
    private static readonly Digest Wanted = Samples.DigestOf(Blob);

    [Fact]
    public async Task Get_ThroughAProxy_LeavesTheNameToIt()
    {
        var host = "";
        await using var proxy = await Upstream.StartAsync((context, _) =>
        {
            host = context.Request.Host.ToString();
            return context.SendManifestAsync();
        });
        using var upstream = new Mirroring(new Uri("http://registry.example:5000"))
        {
            Proxy = new TestProxy(proxy.Address),
            PrivateRedirects = false,
            Resolve = static (name, _) => throw new InvalidOperationException($"{name} is the proxy's to resolve"),
        }.Start();

        (await upstream.GetAsync("v1")).Failure.ShouldBeNull();

        host.ShouldBe("registry.example:5000");
    }

    // The proxy is at a private address, as proxies are; only where it would go is guarded.
    [Fact]
    public async Task Redirect_ThroughAProxy_ToAPublicName_IsFollowed()
    {
        await using var proxy = await Upstream.StartAsync((context, _) =>
            context.Request.Host.Host == "cdn.example" ? context.SendAsync(Blob) : context.RedirectAsync("http://cdn.example/x"));
        using var upstream = new Mirroring(new Uri("http://registry.example")) { Proxy = new TestProxy(proxy.Address), PrivateRedirects = false }.Start();

        (await (await upstream.OpenBlobAsync(Samples.Repository, Wanted, CancellationToken.None)).Value.ReadAsync()).ShouldBe(Blob);
    }

    [Fact]
    public async Task Redirect_ThroughATunnel_IsFollowed()
    {
        using var authority = new TestAuthority();
        await using var store = await Upstream.StartAsync((context, _) => context.SendAsync(Blob), authority.Use);
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync(store.Address.ToString()), authority.Use);
        using var tunnel = new Tunnel();
        using var upstream = new Mirroring(registry.Address) { Proxy = new TestProxy(tunnel.Address), TrustFile = authority.File, PrivateRedirects = true }.Start();

        (await (await upstream.OpenBlobAsync(Samples.Repository, Wanted, CancellationToken.None)).Value.ReadAsync()).ShouldBe(Blob);

        tunnel.Targets.ShouldBe([registry.Address.Authority, store.Address.Authority]);
    }

    [Fact]
    public async Task Redirect_ThroughATunnel_ToAPublicName_IsFollowedThoughTheProxyIsPrivate()
    {
        using var tunnel = new Tunnel();
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync("https://cdn.example/x"));
        using var upstream = new Mirroring(registry.Address) { Proxy = new TestProxy(tunnel.Address, "cdn.example"), PrivateRedirects = false }.Start();

        // It ends there: nobody has that name here.
        (await upstream.OpenBlobAsync(Samples.Repository, Wanted, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unavailable);

        tunnel.Targets.ShouldContain("cdn.example:443");
    }

    [Fact]
    public async Task Get_OverTls_TrustsTheFilesAuthorityOnly()
    {
        using var authority = new TestAuthority();
        await using var registry = await Upstream.StartAsync((context, _) => context.SendManifestAsync(), authority.Use);
        using var trusting = new Mirroring(registry.Address) { TrustFile = authority.File }.Start();
        using var doubting = new Mirroring(registry.Address) { AnswerTimeout = TimeSpan.FromMilliseconds(900), Time = new Server.Tests.Hosting.ManualTime() }.Start();

        (await trusting.GetAsync("v1")).Failure.ShouldBeNull();

        var failure = (await doubting.GetAsync("v1")).Failure.ShouldNotBeNull();
        failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        failure.Detail.ShouldContain("certificate");
        registry.Requests.Count.ShouldBe(1);
    }

    /// <summary>A proxy that speaks CONNECT.</summary>
    private sealed class Tunnel : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;

        public Tunnel()
        {
            _listener.Start();
            _serving = ServeAsync();
        }

        public Uri Address => new($"http://{_listener.LocalEndpoint}");

        public System.Collections.Concurrent.ConcurrentQueue<string> Targets { get; } = [];

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync()
        {
            var running = new List<Task>();
            try
            {
                while (true)
                    running.Add(CarryAsync(await _listener.AcceptTcpClientAsync()));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                await Task.WhenAll(running);
            }
        }

        private async Task CarryAsync(TcpClient client)
        {
            using var _ = client;
            await using var near = client.GetStream();
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await near.ReadAsync(one) == 1)
                head.Append((char)one[0]);
            var target = head.ToString().Split(' ')[1];
            Targets.Enqueue(target);
            if (!IPEndPoint.TryParse(target, out var end))
            {
                await near.WriteAsync("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                return;
            }
            using var server = new TcpClient();
            await server.ConnectAsync(end);
            await using var far = server.GetStream();
            await near.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
            try
            {
                await Task.WhenAny(near.CopyToAsync(far), far.CopyToAsync(near));
            }
            catch (IOException)
            {
                // One of them left.
            }
        }
    }
}

/// <param name="only">The one host that is asked through it; null: all.</param>
internal sealed class TestProxy(Uri address, string? only = null) : IWebProxy
{
    public ICredentials? Credentials { get; set; }

    public Uri GetProxy(Uri destination) => address;

    public bool IsBypassed(Uri host) => only is not null && host.Host != only;
}
