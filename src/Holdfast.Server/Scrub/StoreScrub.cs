using Holdfast.Server.Http;
using Holdfast.Storage;
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
        Walk = new HashWalk(stores, options.Scrub, Inspection, Sweep.Suspects) { Time = time, Verifier = checks.Verifier };
        UnknownFiles = new UnknownFiles(stores, options.Collection.Grace, checks, logs.CreateLogger<UnknownFiles>())
        {
            Time = time,
            FilePace = new Pace(options.Scrub.MaxFilesPerSecond, time),
            BytePace = new Pace(options.Scrub.BytesPerSecond, time),
        };
        Overdue = new Overdue(stores, options.Scrub, checks.Findings.Incidents, time);
    }

    public ScrubOptions Options { get; }

    public Inspection Inspection { get; }

    public Sweep Sweep { get; }

    public HashWalk Walk { get; }

    public UnknownFiles UnknownFiles { get; }

    public Overdue Overdue { get; }

    public ContentStores Stores => _stores;

    public StoreChecks Checks => _checks;

    public TimeProvider Time => _time;

    /// <summary>Starts what runs by itself.</summary>
    public IEnumerable<Recurring> Start(ILogger log)
    {
        var tick = TimeSpan.FromSeconds(1);
        yield return Recurring.Start("the sweep", tick, Sweep.RunIfDueAsync, _time, log);
        yield return Recurring.Start("the scrub", tick, Walk.RunIfDueAsync, _time, log);
        yield return Recurring.Start("the look for unknown files", UnknownFiles.Interval, UnknownFiles.RunAsync, _time, log);
        yield return Recurring.Start("the look at overdue checks", TimeSpan.FromMinutes(1), Overdue.RunAsync, _time, log);
    }
}
