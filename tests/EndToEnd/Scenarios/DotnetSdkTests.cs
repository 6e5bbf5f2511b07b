using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>`dotnet publish -t:PublishContainer` with the registry as the source of the base image and as the target.</summary>
public sealed class DotnetSdkTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P2")]
    public async Task Program_PublishedByTheSdk_IsPulledByAllInEveryMode()
    {
        Require.Programs("dotnet");
        await using var clients = new ClientSet(lab);
        await using var server = await Deployment.StartAsync(lab, Token);
        var sdk = new DotnetSdk(lab);
        await sdk.BuildAsync(Token);
        foreach (var mode in Enum.GetValues<Mode>().Where(server.Has))
        {
            var endpoint = server.For(mode);
            await clients.All.Single(client => client.Name == "buildah").PushAsync(endpoint, await lab.Images.Busybox, "e2e/base", Token);
            await sdk.PublishAsync(endpoint, "e2e/base", "e2e/program", Token);
            using var raw = new RawRegistry(endpoint.ForPull);
            var closure = await raw.ReadClosureAsync("e2e/program", Image.Tag, Token);
            var below = await raw.ReadClosureAsync("e2e/base", Image.Tag, Token);
            closure.Digests.Intersect(below.Digests).Count().ShouldBe(2, "the base image's two layers");
            foreach (var puller in clients.All)
            {
                var pulled = await puller.PullAsync(endpoint.ForPull, "e2e/program", "amd64", Token);
                pulled.Manifests.ShouldContain(closure.Manifest, $"{puller}, {mode}");
                pulled.Files?.ShouldBe(closure.Digests, ignoreOrder: true, $"{puller}, {mode}");
            }
        }
    }
}
