using Holdfast.Server.Http;
using Holdfast.Server.Retention;
using Holdfast.Storage;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>Retention in one server: the rules, who notes pulls, and the runs.</summary>
internal sealed class RetentionParts : IAsyncDisposable
{
    private readonly InUseLists _lists;
    private readonly RetentionSchedules _schedules;
    private readonly StoreTime _time;

    public RetentionParts(ServerOptions options, IReadOnlyDictionary<string, Registry> registries, ContentStores stores, RetentionSurroundings around)
    {
        _time = around.Time;
        _lists = new InUseLists(_time);
        Rules = new RetentionRules(options.Retention, registries.ToDictionary(registry => registry.Key, registry => registry.Value.Id, StringComparer.Ordinal));
        Pulls = new PullNotes(stores.Metadata, _time, around.Logs.CreateLogger<PullNotes>());
        var planner = new RetentionPlanner(stores.Metadata, Rules, _lists, _time) { WritePulls = Pulls.FlushAsync };
        var runs = new RetentionRuns(
            planner, around.Incidents, static () => Guid.NewGuid().ToString("N")[..12], around.Logs.CreateLogger<RetentionRuns>());
        _schedules = new RetentionSchedules(runs, around.Logs.CreateLogger<RetentionSchedules>());
        Endpoint = new RetentionEndpoint(runs, _schedules);
    }

    public RetentionRules Rules { get; }

    public PullNotes Pulls { get; }

    public RetentionEndpoint Endpoint { get; }

    /// <summary>What it does by itself.</summary>
    public IEnumerable<Recurring> Start(ILogger<Recurring> log) =>
    [
        Recurring.Start("noting pulls", PullNotes.Interval, Pulls.FlushAsync, _time, log),
        Recurring.Start("retention", RetentionSchedules.Interval, _schedules.TickAsync, _time, log),
    ];

    /// <summary>After the last pull: writes down those that were not yet.</summary>
    public async ValueTask DisposeAsync()
    {
        await Pulls.FlushAsync(CancellationToken.None);
        _lists.Dispose();
    }
}

/// <summary>What it shares with the rest of the server.</summary>
internal sealed record RetentionSurroundings(IncidentBook Incidents, StoreTime Time, ILoggerFactory Logs);
