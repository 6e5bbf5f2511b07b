using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Scrub;

/// <summary>The checks of one server's stores (P8): what runs by itself, and what the administration asks about and starts.</summary>
internal sealed class StoreScrub
{
    private readonly ContentStores _stores;
    private readonly StoreChecks _checks;
    private readonly StoreTime _time;

    public StoreScrub(ContentStores stores, ServerOptions options, StoreChecks checks, StoreTime time, ILoggerFactory logs)
    {
        (_stores, _checks, _time) = (stores, checks, time);
        Options = options.Scrub;
        Inspection = new Inspection(stores, checks, time);
        Sweep = new Sweep(stores, options.Scrub, checks, time);
        Walk = new HashWalk(stores, options.Scrub, Inspection, Sweep.Suspects) { Time = time, Verifier = checks.Verifier, Watch = checks.Watch };
        UnknownFiles = new UnknownFiles(stores, options.Collection.Grace, checks, logs.CreateLogger<UnknownFiles>())
        {
            Time = time,
            FilePace = new Pace(Math.Max(1, options.Scrub.MaxFilesPerSecond / UnknownFiles.RateShare), time),
            BytePace = new Pace(options.Scrub.BytesPerSecond, time),
        };
    }

    public ScrubOptions Options { get; }

    public Inspection Inspection { get; }

    public Sweep Sweep { get; }

    public HashWalk Walk { get; }

    public UnknownFiles UnknownFiles { get; }

    public ContentStores Stores => _stores;

    public StoreChecks Checks => _checks;

    public TimeProvider Time => _time;

    /// <summary>How long each of its checks may take, by what there is to look at and to read.</summary>
    public IReadOnlyList<ExpectedCheck> Expected =>
    [
        new(Sweep.Name, stored => Longer(Options.SweepInterval, Look(stored))),
        new(HashWalk.Name, stored => Longer(Options.Period / 2, Read(stored))),
        new(UnknownFiles.Name, stored => UnknownFiles.Interval + (UnknownFiles.RateShare * Look(stored))),
    ];

    private TimeSpan Read(VerifiedFigures stored) =>
        TimeSpan.FromSeconds(((double)stored.Bytes / Options.BytesPerSecond) + ((double)stored.Blobs / Options.MaxReadsPerSecond));

    /// <summary>Starts what runs by itself.</summary>
    public IEnumerable<Recurring> Start(ILogger log)
    {
        var tick = TimeSpan.FromSeconds(1);
        yield return Recurring.Start("the sweep", tick, Sweep.RunIfDueAsync, _time, log);
        yield return Recurring.Start("the scrub", tick, Walk.RunIfDueAsync, _time, log);
        yield return Recurring.Start("the look for unknown files", UnknownFiles.Interval, UnknownFiles.RunAsync, _time, log);
    }

    private TimeSpan Look(VerifiedFigures stored) => TimeSpan.FromSeconds((double)stored.Blobs / Options.MaxFilesPerSecond);

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
