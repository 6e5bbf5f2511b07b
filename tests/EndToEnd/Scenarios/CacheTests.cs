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

    /// <summary>
    /// Nodes on which nothing is yet. containerd asks for the tag by HEAD and gets the rest by digest; the tag must be known here all the same. The proxy sees that each object is fetched once, by
    /// the cache alone.
    /// </summary>
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
        await ShouldBecomeStaleAsync(Server.All, $"v2/{Repository}/manifests/{Image.Tag}?ns={Upstream}");
        await using var late = new Ctr(lab);
        (await late.PullThroughAsync(hosts, $"{Upstream}/{Repository}:{Image.Tag}", Token)).ShouldBe(image.Digest, "stale");
    }

    /// <summary>Docker knows mirrors of Docker Hub alone, and puts `library/` before a bare name itself.</summary>
    [Fact]
    public async Task Docker_WithTheCacheAsItsMirror_PullsWhatIsHubsWithoutTheHub()
    {
        Require.Programs("docker", "dockerd", "containerd");
        await StartAsync("docker.io");
        var image = SmallImages.Create(lab, Repository, children: 0);
        await Registry.PushAsync(image.Layout, "library/app", Image.Tag, Token);
        await using var docker = new Docker(lab) { Mirror = Cache.Url };
        (await docker.PullFromHubAsync("app", Token)).ShouldBe(image.Digest);
        await Registry.DisposeAsync();
        await ShouldBecomeStaleAsync(Cache, $"v2/library/app/manifests/{Image.Tag}");
        (await docker.PullFromHubAsync("app", Token)).ShouldBe(image.Digest);
        Proxy.Count("GET", "/v2/library/app/").ShouldBe(4);
    }

    /// <summary>Whole indexes by those that copy all platforms, compared digest by digest with what the upstream hands out; podman takes its own platform's part and unpacks it.</summary>
    [Fact]
    public async Task OtherClients_ThroughTheCachesOwnListener_GetWhatTheUpstreamHas()
    {
        Require.Programs("skopeo", "podman", "crane");
        await StartAsync(Upstream);
        await Registry.PushAsync(RandomImage.Index(lab, seed: 1), Repository, Image.Tag, Token);
        var small = SmallImages.Create(lab, "team/small", children: 2);
        await Registry.PushAsync(small.Layout, "team/small", Image.Tag, Token);
        using var raw = new RawRegistry(Registry.Endpoint);
        var closure = await raw.ReadClosureAsync(Repository, Image.Tag, Token);
        foreach (var upstream in new[] { "there", "gone" })
        {
            foreach (Client client in (Client[])[new Skopeo(lab), new Crane(lab)])
                (await client.PullAsync(Cache, Repository, "amd64", Token)).Files!.ShouldBe(closure.Digests, ignoreOrder: true, $"{client}, upstream {upstream}");
            var pulled = await new Podman(lab).PullAsync(Cache, "team/small", "amd64", Token);
            pulled.Manifests.ShouldContain(small.Digest, $"upstream {upstream}");
            pulled.DiffIds.ShouldBe(small.DiffIdsOf(small.Children.First()), $"upstream {upstream}");
            Proxy.Count("GET", $"/v2/{Repository}/").ShouldBe(closure.Digests.Count, $"upstream {upstream}");
            await Registry.DisposeAsync();
        }
    }

    [Fact]
    public async Task Holdfast_WithTokensAsUpstream_IsCachedByAnother()
    {
        Require.Programs("skopeo");
        await using var upstream = await HoldfastProcess.StartAsync(lab, new HoldfastSettings(), Token);
        var origin = upstream.For(Mode.Bearer);
        var skopeo = new Skopeo(lab);
        await skopeo.PushAsync(origin, new Image(RandomImage.Index(lab, seed: 5)), Repository, Token);
        using var raw = new RawRegistry(origin);
        var closure = await raw.ReadClosureAsync(Repository, Image.Tag, Token);
        _server = await CacheServer.StartAsync(
            lab, Token,
            new CacheKeys("cached", Upstream, origin.Url, $", ca: {origin.Authority}{await LoginAsync(origin.Credentials!)}"),
            new CacheKeys("denied", "denied.test", origin.Url, $", ca: {origin.Authority}{await LoginAsync(origin.Credentials! with { Password = "wrong" })}"));
        (await skopeo.PullAsync(Cache, Repository, "amd64", Token)).Files!.ShouldBe(closure.Digests, ignoreOrder: true);
        using var other = new RawRegistry(Server.For("denied"));
        using var denied = await other.SendAsync(HttpMethod.Get, $"v2/{Repository}/manifests/{Image.Tag}", Token);
        denied.StatusCode.ShouldBe(HttpStatusCode.Forbidden, "what another cache of this server may have is not theirs who may not");
        await upstream.KillAsync();
        (await skopeo.PullAsync(Cache, Repository, "amd64", Token)).Files!.ShouldBe(closure.Digests, ignoreOrder: true);
    }

    [Fact]
    public async Task Warm_OfAnImage_HasItWholeBeforeAnybodyPullsIt()
    {
        Require.Programs("skopeo");
        await StartAsync(Upstream);
        await Registry.PushAsync(RandomImage.Index(lab, seed: 9), Repository, Image.Tag, Token);
        using var raw = new RawRegistry(Registry.Endpoint);
        var closure = await raw.ReadClosureAsync(Repository, Image.Tag, Token);
        var warm = await AskAsync(0, "cache", "warm", $"{Upstream}/{Repository}:{Image.Tag}", "--json");
        ((int)warm["objects"]!).ShouldBe(closure.Digests.Count);
        var again = await AskAsync(0, "cache", "warm", $"{Upstream}/{Repository}:{Image.Tag}", "--json");
        ((int)again["objects"]!).ShouldBe(0);
        var status = (await AskAsync(0, "cache", "status", "--json"))["caches"]![0]!;
        ((long)status["sizeBytes"]!).ShouldBe((long)warm["bytes"]!);
        ((string)status["mirrors"]![0]!["state"]!).ShouldBe("up");
        await Registry.DisposeAsync();
        await Proxy.KillAsync();
        (await new Skopeo(lab).PullAsync(Cache, Repository, "amd64", Token)).Files!.ShouldBe(closure.Digests, ignoreOrder: true);
        var failed = await AskAsync(1, "cache", "warm", $"{Upstream}/{Repository}:2", "--json");
        ((string)failed["failed"]![0]!["image"]!).ShouldBe($"{Upstream}/{Repository}:2");
        var resting = (await AskAsync(1, "cache", "status", "--json"))["caches"]![0]!["mirrors"]![0]!;
        ((string)resting["state"]!).ShouldBe("resting");
        ((string)resting["why"]!).ShouldContain("refused");
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
        var login = withPassword ? await LoginAsync(User) : "";
        _server = await CacheServer.StartAsync(lab, Token, new CacheKeys("cached", name, _proxy.Address, login));
    }

    /// <summary>What the upstream said less than a second ago holds; after that the tag's last known place does, marked.</summary>
    private static async Task ShouldBecomeStaleAsync(Endpoint at, string path)
    {
        using var raw = new RawRegistry(at);
        for (var attempt = 0; attempt < 300; attempt++)
        {
            using var answer = await raw.SendAsync(HttpMethod.Head, path, Token);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            if (answer.Headers.Warning.Any(warning => warning.Code == 110))
                return;
            await Task.Delay(100, Token);
        }
        Assert.Fail($"{path} is never marked as stale, though the upstream is gone");
    }

    /// <returns>The keys of an upstream that asks for a password.</returns>
    private async Task<string> LoginAsync(Credentials user)
    {
        var file = Path.Combine(lab.NewFolder("secret"), "password");
        await File.WriteAllTextAsync(file, user.Password + "\n", Token);
        return $", username: {user.User}, passwordFile: {file}";
    }

    private async Task<JsonNode> AskAsync(int exitCode, params string[] arguments)
    {
        var result = await Server.RunAsync(Token, arguments);
        result.ExitCode.ShouldBe(exitCode, result.ToString());
        return JsonNode.Parse(result.Output)!;
    }
}
