using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server;
using Holdfast.Server.Caching;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Simulation.Caches;

/// <summary>The caches of one history, their upstreams, and what clients do with them. Outlives every crash; what a process has of it is made by <see cref="Start"/>.</summary>
internal sealed class CacheWorld
{
    private readonly World _world;
    private readonly Dictionary<Digest, long> _touched = [];
    private readonly Dictionary<Digest, int> _running = [];
    private readonly int[] _registries;

    public CacheWorld(World world, CacheProfile profile)
    {
        (_world, Profile) = (world, profile);
        world.Caches = this;
        _registries = EnsureRows();
        Upstreams =
        [
            .. profile.All.Select(options => new SimulatedUpstream(
                world, [.. options.Upstream.Urls.Select(url => url.Host)], 1_000 + (long)options.Tags.RevalidateAfter.TotalMilliseconds)),
        ];
        Watch = new PinWatch(world, this);
    }

    public CacheProfile Profile { get; }

    public IReadOnlyList<SimulatedUpstream> Upstreams { get; }

    public PinWatch Watch { get; }

    /// <summary>Those of looks at the bounds that are under way.</summary>
    public List<BoundCheck> Checks { get; } = [];

    /// <summary>Counts what is asked, said and touched.</summary>
    public long Number { get; set; }

    public IReadOnlyList<int> Registries => _registries;

    /// <summary>The rows of the registries, with the same ids as ever.</summary>
    public int[] EnsureRows() =>
        [.. Profile.All.Select((_, i) => Holdfast.Storage.Metadata.Registries.Ensure(_world.Session, NameOf(i), RegistryKind.Cache)!.Value)];

    public static string NameOf(int cache) => $"cache{cache}";

    public RepositoryKey KeyOf(int cache, int repository) => new(_registries[cache], RepositoryName.Parse(SimulatedUpstream.NameOf(repository)));

    public CacheParts Start(ServerProcess process, DiskReserve reserve)
    {
        var logs = new WatchfulLogs(process);
        var network = new SimulatedNetwork([.. Upstreams.SelectMany(upstream => upstream.Hosts)]);
        var caches = Profile.All.Select((options, i) => new Cache(
            new Registry(_registries[i], NameOf(i), process.Stores) { Cache = options }, new Upstream(PlanOf(i, options, process, network)), $"holdfast-{NameOf(i)}", process.Incidents)
        { Time = process.Time });
        // Nothing ends it but a crash, which asks nobody.
        var room = new FetchRoom(process.Stores, reserve, process.Incidents, process.Time, logs.CreateLogger<FetchRoom>()) { Stopping = CancellationToken.None };
        return new CacheParts(
            new CacheBook(caches.ToDictionary(cache => cache.Registry.Id)),
            room,
            new AllCachesOptions { MaxBytes = Profile.MaxBytes },
            new CacheSurroundings(reserve, process.Incidents, process.Time, logs) { Collect = process.Collector.RunDueAsync });
    }

    /// <summary>Somebody begins or ends to use it, so that it must not be evicted just now.</summary>
    public void Touch(Digest digest) => _touched[digest] = ++Number;

    public void BeginTransfer(Digest digest)
    {
        Touch(digest);
        _running[digest] = _running.GetValueOrDefault(digest) + 1;
    }

    public void EndTransfer(Digest digest)
    {
        Touch(digest);
        _running[digest]--;
    }

    public bool WasInUseSince(Digest digest, long number) => _running.GetValueOrDefault(digest) > 0 || _touched.GetValueOrDefault(digest) > number;

    public void Abandon()
    {
        _running.Clear();
        Checks.Clear();
        foreach (var upstream in Upstreams)
            upstream.Abandon();
    }

    private UpstreamPlan PlanOf(int cache, CacheOptions options, ServerProcess process, SimulatedNetwork network) => new()
    {
        Cache = NameOf(cache),
        Namespace = options.Upstream.Namespace,
        Mirrors = [.. options.Upstream.Urls.Select(url => new UpstreamMirror { Address = url })],
        Via = $"holdfast-{NameOf(cache)}",
        PrivateRedirects = true,
        Time = process.Time,
        Jitter = _world.Random.NextDouble,
        Handler = network,
    };
}
