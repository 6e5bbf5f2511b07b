namespace Holdfast.Server.Retention;

/// <summary>What a run did.</summary>
/// <param name="Run">Undo it with <c>holdfast trash restore --run</c>.</param>
/// <param name="Plan">The plan that was applied.</param>
/// <param name="Problems">Rules that did not run.</param>
public sealed record RetentionResult(
    string Run,
    string Plan,
    DateTimeOffset StartedAt,
    DateTimeOffset FinishedAt,
    IReadOnlyList<RepositoryResult> Repositories,
    IReadOnlyList<RuleProblem> Problems,
    IReadOnlyList<string> Warnings)
{
    /// <summary>Images, all repositories together.</summary>
    public int Removed => Repositories.Sum(repository => repository.Removed.Count);

    /// <summary>Did a guard hold anything back?</summary>
    public bool WasStopped => Problems.Count > 0 || Repositories.Any(repository => repository.Stopped is not null);
}

/// <param name="Roots">Before the run.</param>
/// <param name="Stopped">Why nothing was removed here though something would have been.</param>
/// <param name="Finding">What was kept by an in-use list alone.</param>
/// <param name="Left">What was planned and stayed.</param>
public sealed record RepositoryResult(
    string Registry,
    string Repository,
    string Rule,
    int Roots,
    string? Stopped,
    string? Finding,
    IReadOnlyList<PlannedRoot> Removed,
    IReadOnlyList<LeftRoot> Left);

public sealed record LeftRoot(string Digest, IReadOnlyList<PlannedTag> Tags, string Why);
