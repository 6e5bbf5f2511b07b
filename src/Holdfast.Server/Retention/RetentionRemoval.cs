using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>
/// One transaction of a run: decides for the repository as it is now, and moves to the trash what was planned and is still to go. Between plan and removal somebody may have
/// pushed, pulled, tagged, or deleted what was newer.
/// </summary>
/// <param name="planned">At most <see cref="BatchSize"/>, each with the id of the operation that it would be.</param>
internal sealed class RetentionRemoval(RuledRepository at, InUseReferences inUse, string run, IReadOnlyList<(PlannedRoot Root, string Operation)> planned)
{
    /// <summary>Deciding costs about 10 µs a root, for which other writes wait; each batch decides once.</summary>
    public const int BatchSize = 100;

    public (IReadOnlyList<PlannedRoot> Removed, IReadOnlyList<LeftRoot> Left) Execute(MetadataSession db, StoreMoment now)
    {
        var decision = at.Decide(db, inUse, now);
        var going = decision.Removed.ToDictionary(root => root.Root.Digest);
        var kept = decision.Kept.ToDictionary(root => root.Root.Digest);
        var (removed, left) = (new List<PlannedRoot>(), new List<LeftRoot>());
        foreach (var (root, operation) in planned)
        {
            var digest = Digest.Parse(root.Digest);
            var why = WhyNot(db, root, going.GetValueOrDefault(digest), kept.GetValueOrDefault(digest));
            if (why is null && decision.Roots - removed.Count <= 1 && at.Rule.Options.MaxRemovedPercent < 100)
                why = "the last image here by now";
            why ??= Remove(db, digest, operation, now.NowMs);
            if (why is null)
                removed.Add(root);
            else
                left.Add(new LeftRoot(root.Digest, root.Tags, why));
        }
        return (removed, left);
    }

    private string? WhyNot(MetadataSession db, PlannedRoot root, JudgedRoot? going, JudgedRoot? kept)
    {
        if (going is not null)
            return JudgedRoot.IsAsPlanned(going.Root, root) ? null : "changed since the plan";
        if (kept is not null)
            return $"changed since the plan: {string.Join("; ", kept.Reasons.Select(reason => reason.Text))}";
        return Storage.Metadata.Manifests.Find(db, at.Key, Digest.Parse(root.Digest)) is null
            ? "deleted since the plan"
            : "changed since the plan: it is part of another image by now";
    }

    private string? Remove(MetadataSession db, Digest digest, string operation, long nowMs)
    {
        var deletion = new Deletion(operation, DeletionCause.Retention, "retention", run);
        var result = Storage.Metadata.Manifests.Delete(db, at.Key, digest, deletion, nowMs);
        return result.Outcome switch
        {
            DeleteOutcome.Deleted => null,
            DeleteOutcome.Held => $"held by {result.Holders[0]}",
            _ => "deleted since the plan",
        };
    }
}
