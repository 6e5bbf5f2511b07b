using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>Indexes, pushed by every client that can and pulled by all.</summary>
public sealed class IndexTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P2")]
    public async Task TwoPlatforms_PushedByEachClient_GiveEachPlatformItsOwn() =>
        await CheckAsync(await lab.Images.Platforms, "platforms", "amd64", "arm64");

    [Fact]
    [Promise("P2")]
    public async Task Attestation_PushedByEachClient_StaysInTheIndex() =>
        await CheckAsync(await lab.Images.Attested, "attested", "amd64");

    private async Task CheckAsync(Image image, string name, params string[] architectures)
    {
        await using var clients = new ClientSet(lab);
        await using var server = await Deployment.StartAsync(lab, Token);
        var exchange = new Exchange(server.For(Mode.Plain), image, Token);
        foreach (var pusher in clients.All.Where(client => client.PushesIndexes))
        {
            var repository = $"e2e/{name}-by-{pusher.Name}";
            var closure = await exchange.PushAsync(pusher, repository);
            image.Children.ShouldBeSubsetOf(closure.Digests, $"{pusher} and the registry lost a child");
            foreach (var puller in clients.All)
            {
                foreach (var architecture in architectures)
                {
                    await exchange.PullAsync(puller, repository, architecture, closure);
                }
            }
        }
    }
}
