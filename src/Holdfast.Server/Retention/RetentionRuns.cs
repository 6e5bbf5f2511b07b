using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Retention;

/// <summary>
/// Does what a plan says: one run at a time. All is decided again inside the transactions that remove, so that what was pushed, pulled or tagged meanwhile stays.
/// </summary>
/// <param name="newId">Makes unused ids for runs, plans and operations.</param>
internal sealed partial class RetentionRuns(RetentionPlanner planner, IncidentBook incidents, Func<string> newId, ILogger<RetentionRuns> log)
{
    private readonly Lock _lock = new();
    private string? _running;

    public RetentionPlanner Planner => planner;

    /// <summary>The run that is under way; null: none.</summary>
    public string? Running => Volatile.Read(ref _running);

    public Task<RetentionPlan> PlanAsync(PlanScope scope, Func<AdminProgress, ValueTask>? report, CancellationToken cancellationToken) =>
        planner.PlanAsync(newId(), scope, planner.OpenLists(), report, cancellationToken);

    /// <summary>Removes what a fresh plan of the scope says, or of a saved one what the rules still say.</summary>
    /// <param name="saved">Checked by <see cref="SavedPlan"/>; null: a fresh one.</param>
    /// <returns>Null if a run is under way; nothing was done then.</returns>
    public async Task<RetentionResult?> RunAsync(PlanScope scope, RetentionPlan? saved, Func<AdminProgress, ValueTask>? report, CancellationToken cancellationToken)
    {
        var id = newId();
        lock (_lock)
        {
            if (_running is not null)
                return null;
            _running = id;
        }
        try
        {
            var result = await RunAsync(id, scope, saved, report, cancellationToken);
            RetentionMetrics.Ran(result.WasStopped ? "stopped" : "done");
            LogRan(log, id, result.Removed, result.Repositories.Count(repository => repository.Stopped is not null));
            return result;
        }
        catch
        {
            RetentionMetrics.Ran("failed");
            throw;
        }
        finally
        {
            Volatile.Write(ref _running, null);
        }
    }

    private async Task<RetentionResult> RunAsync(
        string id, PlanScope scope, RetentionPlan? saved, Func<AdminProgress, ValueTask>? report, CancellationToken cancellationToken)
    {
        var startedAtMs = NowMs();
        var inUse = planner.OpenLists();
        var plan = await planner.PlanAsync(newId(), scope, inUse, report, cancellationToken);
        var findings = await RetentionFindings.BeginAsync(planner.Metadata, incidents, id, cancellationToken);
        foreach (var problem in plan.Problems)
            await findings.NoteAsync(problem.Rule, problem.Problem);
        var results = new List<RepositoryResult>();
        foreach (var repository in plan.Repositories)
        {
            var wanted = saved is null ? repository : SavedPlan.Intersect(saved, repository);
            if (wanted is null)
                continue;
            if (report is not null)
                await report(new AdminProgress("removing", results.Count, plan.Repositories.Count, "repositories"));
            var result = await ApplyAsync(id, wanted, inUse, cancellationToken);
            await findings.NoteAsync(result);
            results.Add(result);
        }
        var ended = new RetentionResult(id, saved?.Id ?? plan.Id, At(startedAtMs), At(NowMs()), results, plan.Problems, plan.Warnings);
        if (scope is { Registry: null, Repositories: null } && saved is null)
            await EndAsync(scope, ended, findings, startedAtMs);
        return ended;
    }

    private async Task<RepositoryResult> ApplyAsync(string id, RepositoryPlan plan, InUseOfRules inUse, CancellationToken cancellationToken)
    {
        var removed = new List<PlannedRoot>();
        // What a saved plan says and the rules no longer do.
        var left = plan.Kept.Where(root => root.Reasons.Any(reason => reason.Kind == PlanReasonKind.Changed))
            .Select(root => new LeftRoot(root.Digest, root.Tags, root.Reasons[0].Text)).ToList();
        if (plan.Stopped is not null || plan.Removed.Count == 0)
            return new RepositoryResult(plan.Registry, plan.Repository, plan.Rule, plan.Roots, plan.Stopped, plan.Finding, removed, left);
        var rule = planner.Rules.All.First(rule => rule.Name == plan.Rule);
        var at = new RuledRepository(plan.Registry, new RepositoryKey(planner.Rules.Registries[plan.Registry], RepositoryName.Parse(plan.Repository)), rule);
        var references = await inUse.ReadAsync(rule, cancellationToken) ?? throw new InvalidOperationException($"{rule.Name} was planned without its lists (invariant)");
        foreach (var batch in plan.Removed.Chunk(RetentionRemoval.BatchSize))
        {
            var removal = new RetentionRemoval(at, references, id, [.. batch.Select(root => (root, newId()))]);
            var outcome = await planner.Metadata.WriteAsync((removal, now: planner.Time.Look()), static (db, s) => s.removal.Execute(db, s.now), cancellationToken);
            removed.AddRange(outcome.Removed);
            left.AddRange(outcome.Left);
            RetentionMetrics.Removed.Add(outcome.Removed.Count);
        }
        return new RepositoryResult(plan.Registry, plan.Repository, plan.Rule, plan.Roots, null, plan.Finding, removed, left);
    }

    // A part of the repositories, or a saved plan, is no run of a rule.
    private async Task EndAsync(PlanScope scope, RetentionResult result, RetentionFindings findings, long startedAtMs)
    {
        var ran = (scope.Rules ?? planner.Rules.All).Select(rule => (Rule: rule, Run: RuleRun.Of(rule, result))).ToList();
        await planner.Metadata.WriteAsync(
            (ran, startedAtMs, finishedAtMs: result.FinishedAt.ToUnixTimeMilliseconds()),
            static (db, s) =>
            {
                foreach (var (rule, run) in s.ran)
                    Checks.Put(db, run.ToRow(rule, s.startedAtMs, run.Problem is null ? s.finishedAtMs : Checks.Find(db, rule.Name)?.FinishedAtMs ?? 0));
                return true;
            },
            CancellationToken.None);
        foreach (var (rule, run) in ran.Where(rule => rule.Run.Problem is null))
        {
            RetentionMetrics.Ended(rule.Name, result.FinishedAt.ToUnixTimeMilliseconds());
            await findings.NoteAsync(rule.Name, null);
        }
        if (scope.IsAll && result.Problems.Count == 0)
            await findings.HealRestAsync();
    }

    private long NowMs() => planner.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);

    [LoggerMessage(1200, LogLevel.Information, "retention run {Run} removed {Removed} images; stopped in {Stopped} repositories")]
    private static partial void LogRan(ILogger logger, string run, int removed, int stopped);
}
