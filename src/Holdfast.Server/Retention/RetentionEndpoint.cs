using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary><c>/api/v1/retention</c></summary>
internal sealed class RetentionEndpoint(RetentionRuns runs, RetentionSchedules schedules)
{
    // A plan of a hundred thousand images.
    private const int MaxPlanBytes = 64 << 20;

    private RetentionPlanner Planner => runs.Planner;

    public async Task GetAsync(AdminRequest request)
    {
        var counts = new Dictionary<RetentionRule, int>();
        await foreach (var at in Planner.ListAsync(PlanScope.All, request.Aborted))
            counts[at.Rule] = counts.GetValueOrDefault(at.Rule) + 1;
        var rows = await Planner.Metadata.ReadAsync(0, static (db, _) => Checks.List(db), request.Aborted);
        var byName = rows.ToDictionary(row => row.Name, StringComparer.Ordinal);
        await request.AnswerAsync(new RetentionStatus(
            runs.Running,
            [.. Planner.Rules.All.Select(rule => Describe(rule, counts.GetValueOrDefault(rule), byName.GetValueOrDefault(rule.Name)))],
            Planner.Warn(PlanScope.All, [.. counts.Keys])));
    }

    public async Task PlanAsync(AdminRequest request)
    {
        var scope = Scope(await request.ReadJsonAsync<ScopeRequest>());
        await request.StreamAsync((stream, token) => runs.PlanAsync(scope, stream.ReportAsync, token));
    }

    public async Task ApplyAsync(AdminRequest request)
    {
        var asked = await request.ReadJsonAsync<ApplyRequest>(MaxPlanBytes);
        if (asked.Plan is not null && (asked.Registry ?? asked.Repository) is not null)
            throw new AdminException(Outcome.AdminInvalid, "give a plan, or registry and repository for a fresh one, not both");
        var scope = Scope(new ScopeRequest { Registry = asked.Registry, Repository = asked.Repository });
        if (asked.Plan is { } plan)
        {
            var store = await Planner.Metadata.ReadAsync(0, static (db, _) => StoreIdentity.Find(db), request.Aborted);
            if (SavedPlan.Problem(plan, store, Planner.Time.GetUtcNow()) is { } problem)
                throw new AdminException(Outcome.AdminConflict, problem);
        }
        if (runs.Running is { } running)
            throw Busy(running);
        await request.StreamAsync(async (stream, token) => await runs.RunAsync(scope, asked.Plan, stream.ReportAsync, token) ?? throw Busy(runs.Running));
    }

    private PlanScope Scope(ScopeRequest asked)
    {
        if (Planner.Rules.All.Count == 0)
            throw new AdminException(Outcome.AdminConflict, "the configuration has no retention rules, so everything stays; docs/retention.md says how to write one");
        if (asked.Registry is { } registry && !Planner.Rules.Registries.ContainsKey(registry))
            throw new AdminException(Outcome.AdminNotFound, $"no registry '{registry}'; known are {string.Join(", ", Planner.Rules.Registries.Keys.Order(StringComparer.Ordinal))}");
        if (asked.Repository is not { } text)
            return new PlanScope(asked.Registry);
        return RepositoryPattern.TryParse(text, out var pattern, out var problem)
            ? new PlanScope(asked.Registry, pattern)
            : throw new AdminException(Outcome.AdminInvalid, $"repository: {problem}");
    }

    private RuleStatus Describe(RetentionRule rule, int fitting, CheckRow? row)
    {
        var options = rule.Options;
        return new RuleStatus(
            rule.Name,
            options.Registries,
            options.Repositories,
            options.KeepNewest,
            options.KeepTags,
            Seconds(options.KeepPulledWithin),
            Seconds(options.KeepYoungerThan),
            Seconds(options.UntaggedAfter),
            options.ImmutableTags,
            options.InUse,
            options.MaxRemovedPercent,
            options.Schedule,
            fitting,
            schedules.NextRun(rule, row),
            row is not null && RuleRun.Read(row) is { Run: { } run } last
                ? new LastRun(At(row.StartedAtMs), row.FinishedAtMs == 0 ? null : At(row.FinishedAtMs), run, last.Removed, last.Stopped, last.Problem)
                : null);
    }

    private static long? Seconds(TimeSpan? span) => span is { } some ? (long)some.TotalSeconds : null;

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);

    private static AdminException Busy(string? run) =>
        new(Outcome.AdminConflict, $"retention run {run} is under way; ask again when it has ended (GET /api/v1/retention says so)");

    private sealed record ScopeRequest
    {
        /// <summary>A name; null: all.</summary>
        public string? Registry { get; init; }

        /// <summary>A pattern as in rules; null: all.</summary>
        public string? Repository { get; init; }
    }

    private sealed record ApplyRequest
    {
        /// <summary>What <c>plan</c> answered; null: a fresh one.</summary>
        public RetentionPlan? Plan { get; init; }

        public string? Registry { get; init; }

        public string? Repository { get; init; }
    }
}
