using Holdfast.Server;
using Holdfast.Server.Blobs;
using Holdfast.Server.Collection;
using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Manifests;
using Holdfast.Server.Retention;
using Holdfast.Server.Scrub;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging.Abstractions;
using Simulation.Clients;
using Simulation.Disk;

namespace Simulation;

/// <summary>What a start makes anew over the same disk and rows.</summary>
internal sealed class ServerProcess
{
    private static readonly TimeSpan UploadAge = TimeSpan.FromDays(1);

    public static readonly TimeSpan ScrubPeriod = TimeSpan.FromDays(2);

    private readonly HashSet<string> _alone = new(StringComparer.Ordinal);
    private readonly World _world;

    public ServerProcess(World world)
    {
        _world = world;
        Time = new StoreTime(world.Time);
        var database = Database = new SimulatedDatabase(world);
        Stores = new ContentStores(new SimulatedBlobStore(world.Disk, world.Schedule), database);
        var incidents = new IncidentBook(database, Time, NullLogger<IncidentBook>.Instance);
        var terms = new CollectionTerms(
            new CollectionOptions { Grace = world.Profile.Grace, Lease = Requests.Lease }, new TrashOptions { Keep = world.Profile.Keep });
        Collector = new Collector(Stores, terms, incidents, Time);
        var options = new ServerOptions
        {
            Listeners = [],
            Registries = [],
            Collection = terms.Collection,
            Scrub = new ScrubOptions { Period = ScrubPeriod, BytesPerSecond = world.Profile.ScrubBytesPerSecond, MaxReadsPerSecond = int.MaxValue },
        };
        Checks = StoreChecks.Create(Stores, options.Scrub, incidents, Time, NullLoggerFactory.Instance);
        Incidents = incidents;
        Caches = world.Caches?.Start(this, new DiskReserve(Stores.Blobs, 0, Time));
        var source = new BytesSource(Stores, [.. world.Profile.HasDonor ? [world.Donor] : Array.Empty<Donor>(), .. Caches?.Donors ?? []], Checks, Time) { Reserve = new DiskReserve(Stores.Blobs, 0, Time) };
        Healer = new Healer(Stores, source, Checks, Time);
        var rules = new RetentionRules(world.Profile.Rules, new Dictionary<string, int> { [World.Registry] = world.KeyOf(0).Registry });
        Retention = new RetentionRuns(
            new RetentionPlanner(database, rules, new InUseLists(Time), Time),
            incidents,
            () => world.NewId().ToString("N")[..12],
            NullLogger<RetentionRuns>.Instance);
        Pulls = new PullNotes(database, Time, NullLogger<PullNotes>.Instance);
        Manifests = new ManifestLookup(database);
        Links = new BlobLookup(database);
        Scrub = new StoreScrub(Stores, options, Checks, Time, NullLoggerFactory.Instance);
    }

    /// <summary>What it dates by: a process has its own, and takes from the rows how far the one before had come.</summary>
    public StoreTime Time { get; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public SimulatedDatabase Database { get; }

    public ContentStores Stores { get; }

    public Collector Collector { get; }

    public StoreChecks Checks { get; }

    public ManifestLookup Manifests { get; }

    public BlobLookup Links { get; }

    public CacheParts? Caches { get; }

    public StoreScrub Scrub { get; }

    public Healer Healer { get; }

    public RetentionRuns Retention { get; }

    public PullNotes Pulls { get; }

    public IncidentBook Incidents { get; }

    public MetadataDatabase Metadata => Stores.Metadata;

    /// <summary>Has the start-up code come to its end?</summary>
    public bool IsReady { get; private set; }

    /// <summary>Requests and runs that are under way.</summary>
    public int Busy { get; private set; }

    public Exception? Failure { get; private set; }

    public Action<string>? Trace => _world.Trace;

    /// <summary>Something went wrong that nobody waits for.</summary>
    public void Fail(BrokenPromiseException failure) => Failure ??= failure;

    /// <summary>Like the server: nothing is answered before this is done; if the disk fails it, the server is started once more.</summary>
    public async Task StartAsync()
    {
        _world.Trace?.Invoke("  start");
        Database.Open(await StartOfRows.RunAsync(_world));
        await Time.BeginAsync(Metadata, CancellationToken.None);
        await StartupCleanup.RunAsync(Stores.Blobs, Stores.Metadata, UploadAge, Time, CancellationToken.None);
        await Collector.RecoverAsync(CancellationToken.None);
        await Incidents.RefreshAsync(CancellationToken.None);
        await Healer.BeginAsync(CancellationToken.None);
        _world.Retention.Learn(isRestorable: false);
        IsReady = true;
        _world.Trace?.Invoke("  ready");
    }

    /// <summary>Runs what the server never runs twice at a time; nothing happens if it is running.</summary>
    public void RunAlone(string what, Func<Task> work)
    {
        if (!_alone.Add(what))
            return;
        Run(what, async () =>
        {
            try
            {
                await work();
            }
            finally
            {
                _alone.Remove(what);
            }
        });
    }

    /// <summary>Runs a request or a run of background work; an error of the disk ends it, anything else ends the history.</summary>
    public async void Run(string what, Func<Task> work)
    {
        _world.Trace?.Invoke($"  {what}");
        Busy++;
        try
        {
            await work();
        }
        catch (IOException e) when (_world.MayFail)
        {
            _world.Trace?.Invoke($"  {what}: {e.Message}");
        }
        catch (Exception e)
        {
            Failure ??= e as BrokenPromiseException ?? new BrokenPromiseException($"{what} failed: {e}");
        }
        Busy--;
    }
}
