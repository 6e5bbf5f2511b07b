using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>
/// One transaction of a run. The repository was decided before, outside of the database's writer, which every push waits for; here only what the batch rests on is looked at
/// again: each image itself, the newest that stay ahead of it, and that something stays at all. Between decision and removal somebody may have pushed, pulled, tagged, or deleted
/// what was newer.
/// </summary>
/// <param name="decided">What the rule said of the repository, a moment ago.</param>
/// <param name="planned">At most <see cref="BatchSize"/>, each with the id of the operation that it would be.</param>
internal sealed class RetentionRemoval(RuledRepository at, InUseReferences inUse, string run, RetentionDecision decided, IReadOnlyList<(PlannedRoot Root, string Operation)> planned)
{
    /// <summary>
    /// So many are moved to the trash in one transaction, for which other writes wait. Measured with 100,000 roots and keepNewest 10 on two busy cores: median 3 ms inside the writer,
    /// 23 ms at the 99th percentile, 105 ms the longest of 401; with keepNewest 1,000, whose newest are looked up for each batch, 24, 106 and 127 ms. Deciding itself took 1 to 3 s, outside.
    /// </summary>
    public const int BatchSize = 50;

    // Of those that stay, so many are looked up to find one that is still there.
    private const int MaxLookedUp = 64;

    private readonly List<PlannedRoot> _removed = [];
    private readonly List<LeftRoot> _left = [];
    private readonly List<PlannedRoot> _undecided = [];

    /// <summary>Once only.</summary>
    public RemovalOutcome Execute(MetadataSession db, StoreMoment now)
    {
        var oldestOfNewest = FindOldestOfNewest(db);
        var somethingStays = at.Rule.Options.MaxRemovedPercent >= 100
            || decided.Kept.Take(MaxLookedUp).Any(kept => RepositoryRoots.Find(db, at.Key, kept.Root.Digest) is not null);
        foreach (var (planned, operation) in planned)
        {
            var digest = Digest.Parse(planned.Digest);
            var root = decided.FindKept(digest) is null ? RepositoryRoots.Find(db, at.Key, digest) : null;
            if (WhyNot(db, planned, digest, root, now) is { } why)
                Leave(planned, why);
            else if (!somethingStays || !decided.Removes(digest) || (root!.Tags.Count > 0 && !IsBehind(root, oldestOfNewest)))
                _undecided.Add(planned);
            else if (Remove(db, digest, operation, now.NowMs) is { } refused)
                Leave(planned, refused);
            else
                _removed.Add(planned);
        }
        return new RemovalOutcome(_removed, _left, _undecided);
    }

    private void Leave(PlannedRoot root, string why) => _left.Add(new LeftRoot(root.Digest, root.Tags, why));

    // Pushes only put more ahead of an image; what was deleted, lost its tags or became part of another image no longer is. So those that were the newest, and a few more, are
    // looked up: as long as enough of them are there, whatever is behind the last of these is behind at least so many.
    private (long PushedAtMs, string Name)? FindOldestOfNewest(MetadataSession db)
    {
        (long PushedAtMs, string Name)? oldest = null;
        var found = 0;
        foreach (var digest in decided.Newest)
        {
            if (found >= (at.Rule.Options.KeepNewest ?? 0))
                break;
            if (RepositoryRoots.FindPush(db, at.Key, digest) is not { } push)
                continue;
            found++;
            if (oldest is not { } least || RetentionDecision.IsAhead(least, push))
                oldest = push;
        }
        return found >= (at.Rule.Options.KeepNewest ?? 0) ? oldest : (long.MinValue, "");
    }

    private static bool IsBehind(RootRow root, (long PushedAtMs, string Name)? oldestOfNewest) =>
        oldestOfNewest is not { } oldest || RetentionDecision.IsAhead(oldest, (root.PushedAtMs, root.Tags[0].Name));

    private string? WhyNot(MetadataSession db, PlannedRoot planned, Digest digest, RootRow? root, StoreMoment now)
    {
        if (decided.FindKept(digest) is { } kept)
            return Changed(kept.Reasons);
        if (root is null)
        {
            return Storage.Metadata.Manifests.Find(db, at.Key, digest) is null
                ? "deleted since the plan"
                : "changed since the plan: it is part of another image by now";
        }
        if (!JudgedRoot.IsAsPlanned(root, planned))
            return "changed since the plan";
        // A list may name a tag that a part of it got since; and a clock may have gone back.
        var reasons = RetentionDecision.ReasonsOfItsOwn(at.Rule, root, found => inUse.Find(at.Key.Name, found), now);
        return reasons.Count > 0 ? Changed(reasons) : null;
    }

    private static string Changed(IReadOnlyList<PlanReason> reasons) => $"changed since the plan: {string.Join("; ", reasons.Select(reason => reason.Text))}";

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

/// <param name="Undecided">What must be decided again, since what was to stay ahead of it may not: nothing happened to it.</param>
internal sealed record RemovalOutcome(IReadOnlyList<PlannedRoot> Removed, IReadOnlyList<LeftRoot> Left, IReadOnlyList<PlannedRoot> Undecided);
