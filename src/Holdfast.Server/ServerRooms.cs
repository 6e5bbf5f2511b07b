using Holdfast.Server.Collection;
using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Import;
using Holdfast.Server.Incidents;
using Holdfast.Server.Probe;
using Holdfast.Server.Scrub;
using Holdfast.Server.Trash;
using Holdfast.Server.Uploads;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>What several parts of one server share: its places, its administration, and what it does by itself.</summary>
internal sealed class ServerRooms : IAsyncDisposable
{
    /// <summary>Those that clients push to: what is imported or removed by rules is theirs alone.</summary>
    public required IReadOnlyDictionary<string, Registry> Hosted { get; init; }

    public required UploadSessions Sessions { get; init; }

    public required DiskReserve Reserve { get; init; }

    public required StoreWrites Writes { get; init; }

    public required IncidentBook Incidents { get; init; }

    public required StoreChecks Checks { get; init; }

    public required StoreScrub Scrub { get; init; }

    public required Collector Collector { get; init; }

    public required Healer Healer { get; init; }

    public required RetentionParts Retention { get; init; }

    public required IncidentKeeper Keeper { get; init; }

    public required OverdueChecks Overdue { get; init; }

    public required TrashCensus Census { get; init; }

    public required ClockWatch Clock { get; init; }

    public required CacheParts Caches { get; init; }

    public static ServerRooms Create(
        ServerOptions options, IReadOnlyDictionary<string, Registry> registries, ContentStores stores, StoreTime time, ILoggerFactory logs)
    {
        var incidents = new IncidentBook(stores.Metadata, time, logs.CreateLogger<IncidentBook>());
        var reserve = new DiskReserve(stores.Blobs, options.DiskReserveBytes, time)
        {
            Report = problem => incidents.Report(IncidentKind.DiskReserve, "disk", problem),
        };
        var checks = StoreChecks.Create(stores, options.Scrub, incidents, time, logs);
        var scrub = new StoreScrub(stores, options, checks, time, logs);
        var hosted = registries.Where(static one => !one.Value.IsCache).ToDictionary(StringComparer.Ordinal);
        var collector = new Collector(stores, new CollectionTerms(options.Collection, options.Trash), incidents, time);
        var caches = CacheParts.Create(options, registries, stores, new CacheSurroundings(reserve, incidents, time, logs) { Collect = collector.RunDueAsync });
        var source = new BytesSource(stores, [.. BytesSource.Open(options.Heal, time), .. caches.Donors], checks, time) { Reserve = reserve };
        return new ServerRooms
        {
            Hosted = hosted,
            Sessions = new UploadSessions(stores, options.Uploads, time, logs.CreateLogger<UploadSessions>()),
            Reserve = reserve,
            Writes = new StoreWrites(stores, time) { Report = problem => incidents.Report(IncidentKind.StoreReadOnly, "store", problem) },
            Incidents = incidents,
            Checks = checks,
            Scrub = scrub,
            Collector = collector,
            Healer = new Healer(stores, source, checks, time),
            Retention = new RetentionParts(options, hosted, stores, new RetentionSurroundings(incidents, time, logs)),
            Keeper = new IncidentKeeper(stores, incidents, reserve, checks.Watch, time),
            Overdue = new OverdueChecks(stores, [new ExpectedCheck(Collector.CheckName, _ => ExpectedOf(options.Collection)), .. scrub.Expected, .. SelfProbe.Expected(options)], incidents, time),
            Census = new TrashCensus(stores.Metadata, time),
            Clock = new ClockWatch(stores.Metadata, incidents, time, logs.CreateLogger<ClockWatch>()),
            Caches = caches,
        };
    }

    /// <summary>What an import needs of these.</summary>
    public ImportRoom ImportInto(ContentStores stores, TimeProvider time) => new(stores, Hosted, Retention.Rules.ImmutableTags, time)
    {
        Incidents = Incidents,
        Reserve = Reserve,
        NewUpload = Guid.NewGuid,
        IsPushed = Sessions.IsOpen,
    };

    /// <summary>Takes up what the process before left unfinished. Before anything is served.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        await Sessions.RestoreAsync(cancellationToken);
        await Incidents.RefreshAsync(cancellationToken);
        await Collector.RecoverAsync(cancellationToken);
        await Healer.BeginAsync(cancellationToken);
    }

    /// <summary>After the last request and the last piece of background work.</summary>
    public async ValueTask DisposeAsync()
    {
        await Healer.DisposeAsync(); // It asks the caches' upstreams.
        await Caches.DisposeAsync();
        await Checks.DisposeAsync();
        await Retention.DisposeAsync();
        Collector.Dispose();
        await Sessions.DisposeAsync();
        await Clock.DisposeAsync();
    }

    // A run after many deletes takes as long as its rate allows; only one that takes hours is stuck.
    private static TimeSpan ExpectedOf(CollectionOptions collection) =>
        collection.Interval > TimeSpan.FromHours(1) ? collection.Interval : TimeSpan.FromHours(1);
}
