using System.Net;
using System.Text.Json.Nodes;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>Real clients pull through the real caches from the real docker-registry, with a proxy between the two that counts.</summary>
public sealed class CacheTests(Lab lab) : IAsyncDisposable
{
    private const string Repository = "team/app";
    private const string Upstream = "upstream.test";

    private static readonly Credentials User = new("puller", "correct horse battery staple");

    private DebianRegistry? _registry;
    private FaultProxy? _proxy;
    private CacheServer? _server;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private DebianRegistry Registry => _registry!;

    private FaultProxy Proxy => _proxy!;

    private CacheServer Server => _server!;

    private Endpoint Cache => Server.For("cached");

    /// <summary>Three nodes: cold, warm, and with the upstream gone. The proxy sees that each object is fetched once, and by the cache alone.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Containerd_ByNamespace_IsServedByTheCacheEvenWhenTheUpstreamIsGone(bool withPassword)
    {
        Require.Programs("containerd", "ctr");
        await StartAsync(Upstream, withPassword);
        var image = SmallImages.Create(lab, Repository, children: 2);
        await Registry.PushAsync(image.Layout, Repository, Image.Tag, Token);
        var hosts = await Server.WriteHostsAsync(lab, Token);
        foreach (var node in new[] { "cold", "warm", "gone" })
        {
            if (node == "gone")
                await Registry.DisposeAsync();
            await using var ctr = new Ctr(lab);
            (await ctr.PullThroughAsync(hosts, $"{Upstream}/{Repository}:{Image.Tag}", Token)).ShouldBe(image.Digest, node);
            // The index, its image, the config and two layers.
            Proxy.Requests.Count(asked => asked.Method == "GET" && asked.Target.StartsWith($"/v2/{Repository}/", StringComparison.Ordinal)).ShouldBe(5, node);
        }
        Proxy.Requests.ShouldAllBe(asked => asked.Header("Via").Contains("holdfast", StringComparison.Ordinal), "a node went past the cache");
        using var raw = new RawRegistry(Server.All);
        using var stale = await raw.SendAsync(HttpMethod.Head, $"v2/{Repository}/manifests/{Image.Tag}?ns={Upstream}", Token);
        stale.StatusCode.ShouldBe(HttpStatusCode.OK);
        stale.Headers.Warning.ShouldHaveSingleItem().Code.ShouldBe(110);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        if (_proxy is not null)
            await _proxy.DisposeAsync();
        if (_registry is not null)
            await _registry.DisposeAsync();
    }

    private async Task StartAsync(string name, bool withPassword = false)
    {
        _registry = await DebianRegistry.StartAsync(lab, Token, user: withPassword ? User : null);
        _proxy = FaultProxy.Start(_registry.Endpoint.Url);
        var login = "";
        if (withPassword)
        {
            var file = Path.Combine(lab.NewFolder("secret"), "password");
            await File.WriteAllTextAsync(file, User.Password + "\n", Token);
            login = $", username: {User.User}, passwordFile: {file}";
        }
        _server = await CacheServer.StartAsync(lab, Token, new CacheKeys("cached", name, _proxy.Address, login));
    }
}
