using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>One push and the pulls after it, with what must be equal among image, registry and clients.</summary>
internal sealed class Exchange(Endpoint endpoint, Image image, CancellationToken token)
{
    /// <summary>Pushes, and reads everything back from the registry itself.</summary>
    public async Task<Closure> PushAsync(Client pusher, string repository)
    {
        var pushed = await pusher.PushAsync(endpoint, image, repository, token);
        if (pusher.KeepsBytes)
        {
            pushed.ShouldBe(image.Digest, $"{pusher} pushed other bytes than it was given");
        }

        using var raw = new RawRegistry(endpoint.ForPull);
        var closure = await raw.ReadClosureAsync(repository, Image.Tag, token);
        closure.Manifest.ShouldBe(pushed, $"the registry has something else than {pusher} says it pushed");
        return closure;
    }

    public async Task PullAsync(Client puller, string repository, string architecture, Closure closure)
    {
        var who = $"{puller} pulled {repository} for {architecture}";
        var pulled = await puller.PullAsync(endpoint.ForPull, repository, architecture, token);
        pulled.Manifests.ShouldBeSubsetOf(closure.Digests, who);
        if (!image.IsIndex || puller.TellsIndex)
        {
            pulled.Manifests.ShouldContain(closure.Manifest, who);
        }

        if (pulled.Config is not null)
        {
            closure.Digests.ShouldContain(pulled.Config, who);
        }

        pulled.DiffIds?.ShouldBe(image.DiffIdsOf(image.DigestFor(architecture)), who);
        if (pulled.Files is not null && (!image.IsIndex || puller.PullsWholeIndex))
        {
            pulled.Files.ShouldBe(closure.Digests, ignoreOrder: true, who);
        }
        else if (pulled.Files is not null)
        {
            // Its own platform's part of an index, and nothing that isn't the registry's.
            pulled.Files.ShouldBeSubsetOf(closure.Digests, who);
            image.LayersOf(image.DigestFor(architecture)).Append(image.DigestFor(architecture)).ShouldBeSubsetOf(pulled.Files, who);
        }
    }
}
