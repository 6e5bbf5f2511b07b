using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>What one client pushes, every client gets back, byte for byte.</summary>
public sealed class MatrixTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Mode.Plain)]
    [InlineData(Mode.Tls)]
    [InlineData(Mode.Basic)]
    [InlineData(Mode.Bearer)]
    [InlineData(Mode.AnonymousPull)]
    [Promise("P2")]
    public async Task Image_PushedByEachClient_IsTheSameForAll(Mode mode)
    {
        await using var clients = new ClientSet(lab);
        await using var server = await Deployment.StartAsync(lab, Token);
        var endpoint = server.For(mode);
        var image = await lab.Images.Busybox;
        using var raw = new RawRegistry(endpoint.ForPull);
        foreach (var pusher in clients.All)
        {
            var repository = $"e2e/by-{pusher.Name}";
            var pushed = await pusher.PushAsync(endpoint, image, repository, Token);
            if (pusher.KeepsBytes)
            {
                pushed.ShouldBe(image.Digest, $"{pusher} pushed other bytes than it was given");
            }

            var closure = await raw.ReadClosureAsync(repository, Image.Tag, Token);
            closure.Manifest.ShouldBe(pushed, $"the registry has something else than {pusher} says it pushed");
            foreach (var puller in clients.All)
            {
                Check(await puller.PullAsync(endpoint.ForPull, repository, "amd64", Token), closure, image, $"{puller} after {pusher}");
            }
        }
    }

    private static void Check(Pulled pulled, Closure closure, Image image, string who)
    {
        pulled.Manifest.ShouldBe(closure.Manifest, who);
        pulled.Files?.ShouldBe(closure.Digests, ignoreOrder: true, who);
        if (pulled.Config is not null)
        {
            closure.Digests.ShouldContain(pulled.Config, who);
        }

        pulled.DiffIds?.ShouldBe(image.DiffIds, who);
    }
}
