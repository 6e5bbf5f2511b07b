namespace Holdfast.Server.Retention;

/// <summary>What a run would remove, and why everything else stays. Can be kept in a file and applied later.</summary>
public sealed record RetentionPlan(
    int Format,
    string Id,
    string Store,
    DateTimeOffset CreatedAt,
    IReadOnlyList<RepositoryPlan> Repositories,
    IReadOnlyList<RuleProblem> Problems,
    IReadOnlyList<string> Warnings)
{
    /// <summary>The only one so far.</summary>
    public const int CurrentFormat = 1;
}

/// <summary>A rule that can't run as things are.</summary>
public sealed record RuleProblem(string Rule, string Problem);

/// <param name="Roots">How many there are now.</param>
/// <param name="FreedBytes">At most: other repositories may need some of it.</param>
/// <param name="Stopped">Why nothing may be removed here though something would be; null: it may.</param>
/// <param name="Finding">What is kept by an in-use list alone; null: nothing.</param>
public sealed record RepositoryPlan(
    string Registry,
    string Repository,
    string Rule,
    int Roots,
    long FreedBytes,
    string? Stopped,
    string? Finding,
    IReadOnlyList<PlannedRoot> Removed,
    IReadOnlyList<PlannedRoot> Kept);

/// <param name="PulledAt">Within an hour; null: never.</param>
/// <param name="UntaggedSince">Null: it has a tag.</param>
/// <param name="Reasons">Why it goes or stays.</param>
public sealed record PlannedRoot(
    string Digest,
    IReadOnlyList<PlannedTag> Tags,
    DateTimeOffset PushedAt,
    DateTimeOffset? PulledAt,
    DateTimeOffset? UntaggedSince,
    IReadOnlyList<PlanReason> Reasons);

public sealed record PlannedTag(string Name, DateTimeOffset PushedAt);

public sealed record PlanReason(PlanReasonKind Kind, string Text);

public enum PlanReasonKind
{
    /// <summary>It stays: one of the newest.</summary>
    Newest,

    /// <summary>It stays: a tag fits a pattern.</summary>
    KeepTag,

    /// <summary>It stays: pulled not long ago.</summary>
    Pulled,

    /// <summary>It stays: pushed not long ago.</summary>
    Young,

    /// <summary>It stays: a list says that it is in use.</summary>
    InUse,

    /// <summary>It stays: the rule removes no tagged images.</summary>
    TaggedStays,

    /// <summary>It stays: the rule removes no untagged images.</summary>
    UntaggedStays,

    /// <summary>It stays: not long enough without a tag.</summary>
    UntaggedYoung,

    /// <summary>It stays, though a saved plan says otherwise.</summary>
    Changed,

    /// <summary>It goes: nothing keeps it.</summary>
    NotKept,

    /// <summary>It goes: long enough without a tag.</summary>
    Untagged,
}
