using Holdfast.Storage.Metadata;

namespace Simulation.Caches;

/// <summary>The end of a history with caches: every upstream does what it should, so that everything can be pulled, is within its bounds, and nothing is left over.</summary>
internal static class CacheFinale
{
    public static void Run(World world)
    {
        if (world.Caches is not { } caches)
            return;
        foreach (var upstream in caches.Upstreams)
            upstream.Recover();
        // Beyond every rest, and all that is remembered of tags.
        world.Time.Advance(TimeSpan.FromHours(2));
        Finale.Run(world, "pins", () => CacheActions.RefreshPinsAsync(world));
        if (caches.Watch.NotWhole().FirstOrDefault() is { } missing)
            throw new BrokenPromiseException($"at the end a pinned image is not whole: {missing}");
        for (var cache = 0; cache < caches.Upstreams.Count; cache++)
        {
            // It may have nothing, and be well.
            var puller = new CachePuller(world, cache, 0);
            Finale.Run(world, "head", () => puller.HeadAsync(0));
            foreach (var (repository, tag, _) in caches.Upstreams[cache].Tags.ToList())
                PullAll(world, cache, repository, tag);
        }
        world.Time.Advance(TimeSpan.FromHours(2));
        Finale.Run(world, "trim", () => CacheActions.TrimAsync(world));
        Finale.Run(world, "collect", () => world.Process.Collector.RunDueAsync(CancellationToken.None));
        Nothing(world);
    }

    private static void PullAll(World world, int cache, int repository, int tag)
    {
        Finale.Run(world, $"pull cache{cache}/u{repository}:t{tag}", async () =>
        {
            if (await new CachePuller(world, cache, repository).PullAsync(tag, everything: true) != true)
                throw new BrokenPromiseException($"at the end cache{cache}/u{repository}:t{tag} can't be pulled, though its upstream has it");
        });
    }

    private static void Nothing(World world)
    {
        if (Content.All.FirstOrDefault(world.Process.Caches!.Eviction.IsHeld) is { IsNone: false } held)
            throw new BrokenPromiseException($"at the end {Content.NameOf(held)} is still being fetched or sent, for nobody");
        if (Incidents.ListOpen(world.Session, 1000).FirstOrDefault(incident => incident.Kind == IncidentKind.Upstream) is { } incident)
            throw new BrokenPromiseException($"a false alarm is open: {incident.Kind} {incident.Subject}: {incident.Detail}");
        if (world.Disk.Uploads.FirstOrDefault(upload => upload.Value.Now is not null && !world.OpenUploads.Contains(upload.Key)) is { Value: not null } && world.Profile.FaultOneIn == 0)
            throw new BrokenPromiseException("at the end there are still bytes of a fetch's upload");
    }
}
