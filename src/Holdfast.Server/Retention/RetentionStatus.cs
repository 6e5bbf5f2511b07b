namespace Holdfast.Server.Retention;

/// <summary>The rules, when they run, and how they ran last.</summary>
/// <param name="Running">The run that is under way; null: none.</param>
public sealed record RetentionStatus(string? Running, IReadOnlyList<RuleStatus> Rules, IReadOnlyList<string> Warnings);

/// <param name="Rule">As problems of the configuration name it.</param>
/// <param name="Fitting">How many repositories it holds for now.</param>
/// <param name="NextRunAt">Null: it has no schedule.</param>
/// <param name="LastRun">Null: it hasn't run.</param>
public sealed record RuleStatus(
    string Rule,
    IReadOnlyList<string> Registries,
    IReadOnlyList<string> Repositories,
    int? KeepNewest,
    IReadOnlyList<string> KeepTags,
    long? KeepPulledWithinSeconds,
    long? KeepYoungerThanSeconds,
    long? UntaggedAfterSeconds,
    IReadOnlyList<string> ImmutableTags,
    IReadOnlyList<string> InUse,
    int MaxRemovedPercent,
    string? Schedule,
    int Fitting,
    DateTimeOffset? NextRunAt,
    LastRun? LastRun);

/// <param name="FinishedAt">Null: none came to its end.</param>
/// <param name="Stopped">The first repositories in which a guard stopped it.</param>
/// <param name="Problem">Why it did not run at all.</param>
public sealed record LastRun(DateTimeOffset StartedAt, DateTimeOffset? FinishedAt, string Run, int Removed, IReadOnlyList<string> Stopped, string? Problem);
