using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>docker-registry is killed by its process id while a cache fetches from it for a real client.</summary>
public sealed class CacheKillTests(Lab lab)
{
    private const string Repository = "team/app";

    // More than what sockets on the way hold, so that a killed upstream is missed.
    private const int LayerBytes = 64 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="percent">Of the layer, after which the upstream is killed.</param>
    /// <param name="isBack">Whether it is back at once, so that the fetch can go on where it broke.</param>
    [Theory]
    [InlineData(1, false)]
    [InlineData(50, false)]
    [InlineData(50, true)]
    [Promise("P4")]
    public async Task Pull_WhoseUpstreamIsKilled_GivesAllOrAnErrorAndTheNextOneCompletes(int percent, bool isBack)
    {
        Require.Programs("skopeo");
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        var image = await PushAsync(registry);
        using var raw = new RawRegistry(registry.Endpoint);
        var closure = await raw.ReadClosureAsync(Repository, Image.Tag, Token);
        await using var proxy = FaultProxy.Start(registry.Endpoint.Url);
        await using var server = await CacheServer.StartAsync(lab, Token, new CacheKeys("cached", "upstream.test", proxy.Address));
        var (cache, skopeo, gate) = (server.For("cached"), new Skopeo(lab), new Gate());
        proxy.Add(new Fault { Of = Fault.Get(image.LayersOf(image.Digest).Single()), Gate = gate, GateAt = LayerBytes / 100L * percent, Times = 1 });

        var pull = skopeo.PullAsync(cache, Repository, "amd64", Token);
        await gate.Reached;
        await registry.KillAsync();
        if (isBack)
            await registry.RestartAsync(Token);
        gate.Open();
        var broken = await PullOrBreakAsync(pull, closure);
        (broken is null).ShouldBe(isBack, broken);

        if (!isBack)
            await registry.RestartAsync(Token);
        (await skopeo.PullAsync(cache, Repository, "amd64", Token)).Files!.ShouldBe(closure.Digests, ignoreOrder: true);
        var verified = await CacheServer.VerifyAsync($"{cache.Host}/{Repository}", Token);
        verified.ExitCode.ShouldBe(0, verified.ToString());
    }

    /// <returns>What the client says went wrong; null: it has everything.</returns>
    private static async Task<string?> PullOrBreakAsync(Task<Pulled> pull, Closure closure)
    {
        try
        {
            (await pull).Files!.ShouldBe(closure.Digests, ignoreOrder: true);
            return null;
        }
        catch (InvalidOperationException e)
        {
            return e.Message;
        }
    }

    private async Task<Image> PushAsync(DebianRegistry registry)
    {
        var layout = new OciLayout(lab.NewFolder("image"));
        var file = Path.Combine(layout.Folder, "noise");
        var digest = await Layers.WriteNoiseAsync(file, LayerBytes, seed: 3, Token);
        var layer = layout.Adopt(OciLayout.PlainLayer, file, digest);
        layout.Tag(layout.AddManifest(ImageShelf.Config(layout, [digest]), [layer]), Image.Tag);
        await registry.PushAsync(layout, Repository, Image.Tag, Token);
        return new Image(layout);
    }
}
