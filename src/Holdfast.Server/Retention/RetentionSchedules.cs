using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Retention;

/// <summary>
/// Runs the rules at their times. What was due while the server was down runs once, if that is not longer ago than a day. A clock that goes back runs nothing
/// twice: the next run is the first after the last one.
/// </summary>
internal sealed partial class RetentionSchedules(RetentionRuns runs, ILogger<RetentionSchedules> log)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LateAtMost = TimeSpan.FromDays(1);

    // A last run further ahead than this was made by a clock that was wrong; without a limit the rule would wait until then.
    private static readonly TimeSpan AheadAtMost = TimeSpan.FromDays(2);

    // The metric of each rule's last run, which a restart would else forget.
    private bool _shown;

    /// <summary>Runs what is due.</summary>
    public async Task TickAsync(CancellationToken cancellationToken)
    {
        var now = runs.Planner.Time.GetUtcNow();
        var due = new List<RetentionRule>();
        foreach (var rule in runs.Planner.Rules.All)
        {
            var row = await FindAsync(rule, cancellationToken);
            if (row is { FinishedAtMs: > 0 } && !_shown)
                RetentionMetrics.Ended(rule.Name, row.FinishedAtMs);
            if (rule.Schedule is null)
                continue;
            if (row is null || IsOfAnotherTime(rule, row, now))
                await BeginAsync(rule, now, row?.FinishedAtMs ?? 0);
            else if (DueAt(rule.Schedule, row, now) <= now)
                due.Add(rule);
        }
        _shown = true;
        // One run for all that are due at the same time: it can be undone as one.
        if (due.Count > 0 && await runs.RunAsync(new PlanScope(Rules: due), null, null, cancellationToken) is null)
            LogBusy(log, string.Join(", ", due.Select(rule => rule.Name)));
    }

    /// <returns>When the rule runs next by itself; null: never.</returns>
    public DateTimeOffset? NextRun(RetentionRule rule, CheckRow? row)
    {
        if (rule.Schedule is null)
            return null;
        var now = runs.Planner.Time.GetUtcNow();
        return row is null || IsOfAnotherTime(rule, row, now) ? rule.Schedule.Next(now, runs.Planner.Time.LocalTimeZone) : DueAt(rule.Schedule, row, now);
    }

    private DateTimeOffset? DueAt(Schedule schedule, CheckRow row, DateTimeOffset now)
    {
        var last = DateTimeOffset.FromUnixTimeMilliseconds(row.StartedAtMs);
        return schedule.Next(last < now - LateAtMost ? now - LateAtMost : last, runs.Planner.Time.LocalTimeZone);
    }

    private static bool IsOfAnotherTime(RetentionRule rule, CheckRow row, DateTimeOffset now) =>
        RuleRun.Read(row)?.Schedule != rule.Options.Schedule || DateTimeOffset.FromUnixTimeMilliseconds(row.StartedAtMs) - now > AheadAtMost;

    private ValueTask<CheckRow?> FindAsync(RetentionRule rule, CancellationToken cancellationToken) =>
        runs.Planner.Metadata.ReadAsync(rule.Name, static (db, name) => Checks.Find(db, name), cancellationToken);

    // From now on its times count: a rule that is new doesn't run for yesterday.
    private Task<bool> BeginAsync(RetentionRule rule, DateTimeOffset now, long finishedAtMs) => runs.Planner.Metadata.WriteAsync(
        RuleRun.New(rule).ToRow(rule, now.ToUnixTimeMilliseconds(), finishedAtMs),
        static (db, row) =>
        {
            Checks.Put(db, row);
            return true;
        },
        CancellationToken.None);

    [LoggerMessage(1201, LogLevel.Warning, "{Rules} is due, but another retention run is under way; it runs when that has ended")]
    private static partial void LogBusy(ILogger logger, string rules);
}
