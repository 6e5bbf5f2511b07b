using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server.Retention;

namespace Holdfast.Commands;

/// <summary>Plans and runs of retention, for people.</summary>
internal static class RetentionWords
{
    /// <summary>What goes first, then what stays where something goes or is held back; with <paramref name="verbose"/> all of it.</summary>
    public static void Describe(StringBuilder text, RetentionPlan plan, bool verbose)
    {
        foreach (var problem in plan.Problems)
            text.AppendLine(CultureInfo.InvariantCulture, $"{problem.Rule} STOPPED: {problem.Problem}; it removes nothing until that is mended");
        foreach (var repository in plan.Repositories.Where(repository => verbose || repository.Removed.Count > 0 || repository.Finding is not null))
            Describe(text, repository, verbose);
        var going = plan.Repositories.Where(repository => repository.Stopped is null).ToList();
        text.AppendLine(CultureInfo.InvariantCulture, $"would remove {Counted.Of(going.Sum(r => r.Removed.Count), "image")} in {Counted.Of(going.Count(r => r.Removed.Count > 0), "repository", "repositories")}, freeing {ProgressDisplay.Bytes(going.Sum(r => r.FreedBytes))} at most; "
            + $"{Counted.Of(plan.Repositories.Sum(r => r.Kept.Count + (r.Stopped is null ? 0 : r.Removed.Count)), "image")} would stay{(verbose ? "" : " (--verbose: all of them, with reasons)")}");
        foreach (var warning in plan.Warnings)
            text.AppendLine(CultureInfo.InvariantCulture, $"warning: {warning}");
    }

    public static void Describe(StringBuilder text, RetentionResult result)
    {
        foreach (var problem in result.Problems)
            text.AppendLine(CultureInfo.InvariantCulture, $"{problem.Rule} STOPPED: {problem.Problem}");
        foreach (var repository in result.Repositories.Where(repository => repository.Removed.Count + repository.Left.Count > 0 || repository.Stopped is not null))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{repository.Registry}/{repository.Repository} ({repository.Rule})");
            if (repository.Stopped is not null)
                text.AppendLine(CultureInfo.InvariantCulture, $"  STOPPED: {repository.Stopped}");
            foreach (var root in repository.Removed)
                text.AppendLine(CultureInfo.InvariantCulture, $"  removed  {Names(root.Tags, root.Digest)}");
            foreach (var root in repository.Left)
                text.AppendLine(CultureInfo.InvariantCulture, $"  stays    {Names(root.Tags, root.Digest)}  {root.Why}");
        }
        text.AppendLine(result.Removed == 0
            ? "removed nothing"
            : $"removed {Counted.Of(result.Removed, "image")}; undo it with `holdfast trash restore --run {result.Run}`");
        foreach (var warning in result.Warnings)
            text.AppendLine(CultureInfo.InvariantCulture, $"warning: {warning}");
    }

    private static void Describe(StringBuilder text, RepositoryPlan repository, bool verbose)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"{repository.Registry}/{repository.Repository} ({repository.Rule}, {Counted.Of(repository.Roots, "image")})");
        if (repository.Stopped is not null)
            text.AppendLine(CultureInfo.InvariantCulture, $"  STOPPED: {repository.Stopped}");
        if (repository.Finding is not null)
            text.AppendLine(CultureInfo.InvariantCulture, $"  NOTE: {repository.Finding}");
        foreach (var root in repository.Removed)
            Describe(text, repository.Stopped is null ? "goes " : "would", root);
        foreach (var root in repository.Kept.Where(root => verbose || repository.Removed.Count > 0 || root.Reasons.All(reason => reason.Kind == PlanReasonKind.InUse)))
            Describe(text, "stays", root);
    }

    private static void Describe(StringBuilder text, string verb, PlannedRoot root) => text.AppendLine(
        CultureInfo.InvariantCulture, $"  {verb}  {Names(root.Tags, root.Digest)}  {string.Join("; ", root.Reasons.Select(reason => reason.Text))}");

    private static string Names(IReadOnlyList<PlannedTag> tags, string digest) =>
        tags.Count == 0 ? $"@{digest[..Math.Min(19, digest.Length)]}" : string.Join(",", tags.Select(tag => tag.Name));
}
