namespace Simulation.Caches;

/// <summary>What clients of caches, their upstreams and their background work do.</summary>
internal static class CacheActions
{
    public static IReadOnlyList<Happening> All { get; } =
    [
        new("cache pull", 20, false, Pull) { OfCaches = true },
        new("cache pull by digest", 6, true, PullDigest) { OfCaches = true },
        new("cache blob", 8, true, PullBlob) { OfCaches = true },
        new("cache head", 3, true, Head) { OfCaches = true },
        new("upstream", 8, false, world => world.Caches!.Upstreams[AnyCache(world)].Change()) { OfCaches = true },
        new("mood", 6, false, ChangeMood) { OfCaches = true },
        new("trim", 6, true, Trim) { OfCaches = true },
        new("pins", 4, true, RefreshPins) { OfCaches = true },
    ];

    /// <summary>A look at the bounds, judged.</summary>
    public static async Task TrimAsync(World world)
    {
        world.Steps++;
        string? problem = null;
        // What was in the way of one look, or came back behind it, is not in the way of each.
        for (var look = 0; look < 3; look++)
        {
            var check = new BoundCheck(world);
            try
            {
                await world.Process.Caches!.Eviction.RunAsync(CancellationToken.None);
            }
            catch (IOException) when (world.MayFail)
            {
                world.Caches!.Checks.Remove(check);
                throw;
            }
            problem = check.FindTooMuch();
            if (problem is null)
                return;
        }
        throw new BrokenPromiseException(problem!);
    }

    public static async Task RefreshPinsAsync(World world)
    {
        world.Steps++;
        var caches = world.Caches!;
        // It asks like a client.
        var asked = (from cache in Enumerable.Range(0, caches.Upstreams.Count)
                     from repository in Enumerable.Range(0, SimulatedUpstream.Repositories)
                     from tag in Enumerable.Range(0, SimulatedUpstream.TagNames)
                     where caches.Watch.IsPinned(cache, repository, tag)
                     select (cache, repository, tag)).ToList();
        asked.ForEach(ask => caches.Upstreams[ask.cache].BeginAsk(ask.repository, ask.tag));
        try
        {
            await world.Process.Caches!.Ahead.RefreshPinsAsync(CancellationToken.None);
        }
        finally
        {
            asked.ForEach(ask => caches.Upstreams[ask.cache].EndAsk(ask.repository, ask.tag));
        }
    }

    private static void Pull(World world)
    {
        var (cache, repository, tag) = (AnyCache(world), AnyRepository(world), world.Random.Next(SimulatedUpstream.TagNames));
        var everything = world.Random.Next(3) == 0;
        world.Process.Run($"pull cache{cache}/u{repository}:t{tag}", () => new CachePuller(world, cache, repository).PullAsync(tag, everything));
    }

    private static void PullDigest(World world)
    {
        var (cache, repository) = (AnyCache(world), AnyRepository(world));
        var node = Content.Upstream[world.Random.Next(Content.Upstream.Count)];
        world.Process.Run($"pull cache{cache}/u{repository}@{node.Name}", () => new CachePuller(world, cache, repository).PullAsync(node.Digest, everything: false));
    }

    private static void PullBlob(World world)
    {
        var (number, repository) = (AnyCache(world), AnyRepository(world));
        var blobs = Content.Upstream.SelectMany(node => node.Blobs).Distinct().ToList();
        // The large ones are those that can be left half-way.
        var blob = blobs[world.Random.Next(2) == 0 ? blobs.Count - 1 - world.Random.Next(2) : world.Random.Next(blobs.Count)];
        var parts = world.Process.Caches!;
        var cache = parts.Caches.All.Single(cache => cache.Registry.Id == world.Caches!.Registries[number]);
        world.Process.Run(
            $"pull {Content.NameOf(blob)} of cache{number}/u{repository}", () => new CacheBlobPull(world, parts, cache, number, repository, blob) { Leaves = true }.RunAsync());
    }

    private static void Head(World world)
    {
        var (cache, repository, tag) = (AnyCache(world), AnyRepository(world), world.Random.Next(SimulatedUpstream.TagNames));
        world.Process.Run($"head cache{cache}/u{repository}:t{tag}", () => new CachePuller(world, cache, repository).HeadAsync(tag));
    }

    private static void ChangeMood(World world)
    {
        var hosts = world.Caches!.Upstreams[AnyCache(world)].Hosts;
        var host = hosts[world.Random.Next(hosts.Count)];
        host.Mood = world.Random.Next(10) switch { < 4 => Mood.Good, < 7 => Mood.Erratic, var other => (Mood)(other - 7 + world.Random.Next(2) + (int)Mood.Down) };
        world.Trace?.Invoke($"  {host.Name} is {host.Mood}");
    }

    private static void Trim(World world)
    {
        world.Process.RunAlone("note pulls", world.Retention.FlushAsync);
        world.Process.Run("trim", () => TrimAsync(world));
    }

    private static void RefreshPins(World world) => world.Process.RunAlone("pins", () => RefreshPinsAsync(world));

    private static int AnyCache(World world) => world.Random.Next(world.Caches!.Upstreams.Count);

    private static int AnyRepository(World world) => world.Random.Next(SimulatedUpstream.Repositories);
}
