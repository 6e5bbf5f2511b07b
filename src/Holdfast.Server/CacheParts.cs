using Holdfast.Client;
using Holdfast.Server.Caching;
using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>The parts of the caches that one server has.</summary>
internal sealed class CacheParts : IAsyncDisposable
{
    internal CacheParts(CacheBook caches, FetchRoom room, AllCachesOptions bounds, CacheSurroundings around)
    {
        (Caches, Room) = (caches, room);
        Blobs = new BlobFetches(room);
        Manifests = new ManifestFetches(room);
        Truth = new TagTruth(Manifests, room);
        Images = new ImageFetch(Manifests, Blobs, room);
        Ahead = new Prefetch(caches, Truth, Images, room, around.Logs.CreateLogger<Prefetch>());
        Eviction = new Eviction(caches, bounds.MaxBytes, room, around.Reserve)
        {
            IsHeld = digest => Transfers.IsRunning(digest) || Blobs.IsRunning(digest) || Manifests.IsRunning(digest),
            Collect = around.Collect,
        };
        around.Reserve.GiveWay = Eviction.GiveWayAsync;
        room.Stored = new Growth(caches, bounds.MaxBytes) { Trim = () => Eviction.RunAsync(room.Stopping) }.NoteAsync;
    }

    public CacheBook Caches { get; }

    /// <summary>What the room's fetches end by; null: nothing ends them.</summary>
    private CancellationTokenSource? Stopping { get; init; }

    public FetchRoom Room { get; }

    public BlobFetches Blobs { get; }

    public ManifestFetches Manifests { get; }

    public TagTruth Truth { get; }

    public Transfers Transfers { get; } = new();

    public ImageFetch Images { get; }

    public Prefetch Ahead { get; }

    public Eviction Eviction { get; }

    /// <summary>For the healing of what caches have: their upstreams.</summary>
    public IReadOnlyList<Donor> Donors => [.. Caches.All.Select(cache => new UpstreamDonor(cache, this))];

    public IReadOnlyList<Recurring> Start(ILogger<Recurring> log) => Caches.All.Any()
        ?
        [
            Recurring.Start("keeping caches within their bounds", Eviction.Interval, Eviction.RunAsync, Room.Time, log),
            Recurring.Start("bringing in what is pinned", Prefetch.Interval, Ahead.RefreshPinsAsync, Room.Time, log),
        ]
        : [];

    /// <exception cref="IOException">A password's or a trust file can't be read.</exception>
    /// <exception cref="InvalidDataException">A trust file holds no certificate.</exception>
    public static CacheParts Create(
        ServerOptions options, IReadOnlyDictionary<string, Registry> registries, ContentStores stores, CacheSurroundings around)
    {
        var instance = Guid.NewGuid().ToString("n");
        var caches = registries.Values.Where(static registry => registry.IsCache).ToDictionary(
            static registry => registry.Id,
            registry =>
            {
                var via = $"{ViaChain.Prefix}{instance}-{registry.Name}";
                return new Cache(registry, new Upstream(PlanOf(registry, via, around.Time)), via, around.Incidents) { Time = around.Time };
            });
        var stopping = new CancellationTokenSource();
        var room = new FetchRoom(stores, around.Reserve, around.Incidents, around.Time, around.Logs.CreateLogger<FetchRoom>()) { Stopping = stopping.Token };
        return new CacheParts(new CacheBook(caches), room, options.Caches, around) { Stopping = stopping };
    }

    /// <summary>After the last request.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Stopping is not null)
            await Stopping.CancelAsync();
        await Ahead.DisposeAsync();
        await Blobs.DisposeAsync();
        Images.Dispose();
        Eviction.Dispose();
        foreach (var cache in Caches.All)
            cache.Dispose();
        Stopping?.Dispose();
    }

    private static UpstreamPlan PlanOf(Registry registry, string via, TimeProvider time)
    {
        var upstream = registry.Cache!.Upstream;
        var password = upstream.PasswordFile is { } file ? PasswordFile.Open(file) : null;
        return new UpstreamPlan
        {
            Cache = registry.Name,
            Namespace = upstream.Namespace,
            Mirrors = [.. upstream.Urls.Select(url => MirrorOf(url, upstream, password))],
            PasswordOverPlainHttp = upstream.Insecure,
            TrustFile = upstream.TrustFile,
            Via = via,
            PrivateRedirects = upstream.PrivateRedirects,
            ConnectTimeout = upstream.ConnectTimeout,
            AnswerTimeout = upstream.AnswerTimeout,
            StallTimeout = upstream.StallTimeout,
            MaxConnections = upstream.MaxConnections,
            Time = time,
        };
    }

    // The password is the origin's: somebody else's mirror has no use for it.
    private static UpstreamMirror MirrorOf(Uri url, UpstreamOptions upstream, PasswordFile? password) =>
        string.Equals(url.Host, upstream.Urls[^1].Host, StringComparison.OrdinalIgnoreCase)
            ? new UpstreamMirror { Address = url, Username = upstream.Username, ReadPassword = password is null ? null : password.Read }
            : new UpstreamMirror { Address = url };
}

/// <summary>What caches share with the rest of the server.</summary>
internal sealed record CacheSurroundings(DiskReserve Reserve, IncidentBook Incidents, TimeProvider Time, ILoggerFactory Logs)
{
    /// <summary>Has the bytes removed that nothing refers to any more.</summary>
    public required Func<CancellationToken, Task> Collect { get; init; }
}
