using Holdfast.Oci;

namespace Holdfast.Server.Retention;

/// <summary>A plan that comes back: is it one of this store and not too old, and what of it do the rules still say?</summary>
public static class SavedPlan
{
    /// <summary>By then too much has changed for anybody to mean it still.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromDays(7);

    // A clock that was set right meanwhile.
    private static readonly TimeSpan Ahead = TimeSpan.FromHours(1);

    /// <returns>Why it can't be applied; null: it can.</returns>
    internal static string? Problem(RetentionPlan plan, string store, DateTimeOffset now)
    {
        if (plan.Format != RetentionPlan.CurrentFormat)
            return $"the plan has format {plan.Format}; this version reads {RetentionPlan.CurrentFormat}; make a new plan";
        if (Broken(plan) is { } broken)
            return $"the plan is not as it was made: {broken}; make a new one";
        if (plan.Store != store)
            return "the plan was made for another store; make one here";
        if (now - plan.CreatedAt > MaxAge)
            return $"the plan is older than {MaxAge.Days} days; make a new one";
        return plan.CreatedAt - now > Ahead ? "the plan was made in the future: a clock was wrong; make a new one" : null;
    }

    /// <returns>Of what the rules say now, what the plan says too; null if it says nothing of this repository.</returns>
    internal static RepositoryPlan? Intersect(RetentionPlan saved, RepositoryPlan now)
    {
        var plan = saved.Repositories.FirstOrDefault(repository => repository.Registry == now.Registry && repository.Repository == now.Repository);
        if (plan is null)
            return null;
        var going = now.Removed.ToDictionary(root => root.Digest, StringComparer.Ordinal);
        var kept = now.Kept.ToDictionary(root => root.Digest, StringComparer.Ordinal);
        var (removed, left) = (new List<PlannedRoot>(), new List<PlannedRoot>());
        foreach (var root in plan.Removed)
        {
            if (going.TryGetValue(root.Digest, out var same) && IsSame(root, same))
                removed.Add(same);
            else
                left.Add(root with { Reasons = [new PlanReason(PlanReasonKind.Changed, Why(kept.GetValueOrDefault(root.Digest), same))] });
        }
        return now with { Removed = removed, Kept = left };
    }

    private static string Why(PlannedRoot? kept, PlannedRoot? going) => (kept, going) switch
    {
        ({ } stays, _) => $"stays by now: {string.Join("; ", stays.Reasons.Select(reason => reason.Text))}",
        (_, not null) => "changed since the plan",
        _ => "gone, or part of another image by now",
    };

    private static bool IsSame(PlannedRoot one, PlannedRoot other) =>
        one.PushedAt == other.PushedAt && one.PulledAt == other.PulledAt && one.UntaggedSince == other.UntaggedSince && one.Tags.SequenceEqual(other.Tags);

    // Members that aren't known or are missing were found when it was read.
    private static string? Broken(RetentionPlan plan)
    {
        foreach (var repository in plan.Repositories)
        {
            if (repository is null || !RepositoryName.TryParse(repository.Repository, out _))
                return "a repository has no name";
            foreach (var root in repository.Removed)
            {
                if (root is null || !Digest.TryParse(root.Digest, out _) || root.Tags.Contains(null!))
                    return $"an image of {repository.Repository} has no digest";
            }
        }
        return null;
    }
}
