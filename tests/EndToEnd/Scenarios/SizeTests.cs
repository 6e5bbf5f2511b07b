using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>Images at the edges: very large, very many layers, and a whole Debian.</summary>
public abstract class SizeTests(Lab lab)
{
    protected Lab Lab => lab;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Each pushes; all pull what the first has pushed.</summary>
    private protected async Task CheckAsync(Image image, string name, string[] pushers)
    {
        await using var clients = new ClientSet(lab);
        await using var server = await Deployment.StartAsync(lab, Token);
        var exchange = new Exchange(server.For(Mode.Plain), image, Token);
        Closure? first = null;
        foreach (var pusher in pushers)
        {
            var closure = await exchange.PushAsync(clients.All.Single(client => client.Name == pusher), $"e2e/{name}-by-{pusher}");
            first ??= closure;
        }

        foreach (var puller in clients.All)
        {
            await exchange.PullAsync(puller, $"e2e/{name}-by-{pushers[0]}", "amd64", first!);
        }
    }
}

// A class each, since they take long and xunit runs classes side by side.
public sealed class LargeLayer(Lab lab) : SizeTests(lab)
{
    [Fact]
    public async Task OneGibibyteLayer_PushedAndPulled_IsTheSame() => await CheckAsync(await Lab.Images.Large, "large", pushers: ["skopeo", "ctr"]);
}

public sealed class ManyLayers(Lab lab) : SizeTests(lab)
{
    [Fact]
    public async Task HundredLayers_PushedAndPulled_AreTheSame() =>
        await CheckAsync(await Lab.Images.ManyLayers, "layers", pushers: ["podman", "crane"]);
}

public sealed class DebianRoot(Lab lab) : SizeTests(lab)
{
    [Fact]
    public async Task DebianRoot_PushedAndPulled_IsTheSame() => await CheckAsync(await Lab.Images.Minbase, "minbase", pushers: ["buildah"]);
}
