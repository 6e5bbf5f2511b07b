using System.Globalization;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Monitoring;

/// <summary>Rounds of everything that a cache counts: misses, hits, evictions, wrong bytes, an upstream that gives no answer.</summary>
internal sealed class CacheWorkload : IAsyncDisposable
{
    private const string Repository = "team/app";

    private readonly Lab _lab;
    private readonly DebianRegistry _registry;
    private readonly FaultProxy _proxy;
    private RawRegistry? _cache;
    private int _round;

    private CacheWorkload(Lab lab, DebianRegistry registry)
    {
        (_lab, _registry) = (lab, registry);
        _proxy = FaultProxy.Start(registry.Endpoint.Url);
    }

    /// <summary>Two rounds' images are more than it may hold.</summary>
    public CacheKeys Cache => new("cached", "upstream.test", _proxy.Address) { More = ", size: { max: 1MiB }" };

    public static async Task<CacheWorkload> StartAsync(Lab lab, CancellationToken token) => new(lab, await DebianRegistry.StartAsync(lab, token));

    public async Task RunAsync(Endpoint cache, CancellationToken token)
    {
        _cache ??= new RawRegistry(cache);
        var tag = (++_round).ToString(CultureInfo.InvariantCulture);
        // Docker Hub says with each answer how many pulls are left.
        _proxy.Add(new Fault { Of = Fault.Any("/"), Headers = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")] });
        await PushAsync(tag, token);
        (await _cache.ReadClosureAsync(Repository, tag, token)).Digests.Count.ShouldBe(3);
        (await _cache.ReadClosureAsync(Repository, tag, token)).Digests.Count.ShouldBe(3);
        await PushAsync($"wrong-{tag}", token);
        Fail(new Fault { Of = Fault.Get("/manifests/"), Flip = 20 });
        (await StatusAsync($"wrong-{tag}", token)).ShouldBe(502);
        // What was said within a second holds.
        await Task.Delay(TimeSpan.FromSeconds(1.1), token);
        Fail(new Fault { Of = Fault.Any("/"), Status = 503 });
        (await StatusAsync(tag, token)).ShouldBe(200);
        _proxy.Heal();
    }

    public async ValueTask DisposeAsync()
    {
        _cache?.Dispose();
        await _proxy.DisposeAsync();
        await _registry.DisposeAsync();
    }

    private void Fail(Fault fault)
    {
        _proxy.Heal();
        _proxy.Add(fault);
    }

    private async Task PushAsync(string tag, CancellationToken token)
    {
        var layout = new OciLayout(_lab.NewFolder("cached"));
        var layer = new byte[600_000];
        new Random(tag.GetHashCode(StringComparison.Ordinal)).NextBytes(layer);
        var config = layout.Add(OciLayout.ImageConfig, System.Text.Encoding.UTF8.GetBytes($$"""{"architecture":"amd64","os":"linux","author":"{{tag}}"}"""));
        layout.Tag(layout.AddManifest(config, [layout.Add(OciLayout.PlainLayer, layer)]), tag);
        await _registry.PushAsync(layout, Repository, tag, token);
    }

    private async Task<int> StatusAsync(string tag, CancellationToken token)
    {
        using var answer = await _cache!.SendAsync(HttpMethod.Get, $"v2/{Repository}/manifests/{tag}", token);
        return (int)answer.StatusCode;
    }
}
