using System.Globalization;
using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>What one rule says of one repository at one moment. Nothing but its arguments decides.</summary>
internal sealed class RetentionDecision
{
    // So many of the newest may vanish before all has to be decided again.
    private const int Spare = 32;

    private readonly RetentionRule _rule;
    private readonly StoreMoment _now;
    private readonly List<Digest> _newest = [];
    private readonly Lazy<(Dictionary<Digest, JudgedRoot> Kept, HashSet<Digest> Removed)> _byDigest;
    private readonly List<JudgedRoot> _removed = [];
    private readonly List<JudgedRoot> _kept = [];

    private RetentionDecision(RetentionRule rule, StoreMoment now)
    {
        (_rule, _now) = (rule, now);
        _byDigest = new(() => (_kept.ToDictionary(root => root.Root.Digest), _removed.Select(root => root.Root.Digest).ToHashSet()));
    }

    /// <summary>The oldest push first.</summary>
    public IReadOnlyList<JudgedRoot> Removed => _removed;

    /// <summary>The newest push first.</summary>
    public IReadOnlyList<JudgedRoot> Kept => _kept;

    /// <summary>The tagged roots that were pushed last, the newest first: those that keepNewest counts, and a few more. Empty without keepNewest.</summary>
    public IReadOnlyList<Digest> Newest => _newest;

    public int Roots => _removed.Count + _kept.Count;

    /// <summary>Why the guard lets nothing be removed; null: it does.</summary>
    public string? Stopped { get; private set; }

    /// <summary>Those that only a list keeps: the rule says something else than those who use them.</summary>
    public IEnumerable<JudgedRoot> KeptByListAlone => _kept.Where(root => root.Reasons.All(reason => reason.Kind == PlanReasonKind.InUse));

    public JudgedRoot? FindKept(Digest digest) => _byDigest.Value.Kept.GetValueOrDefault(digest);

    public bool Removes(Digest digest) => _byDigest.Value.Removed.Contains(digest);

    /// <summary>Does one push come before the other in the order in which keepNewest counts?</summary>
    public static bool IsAhead((long PushedAtMs, string Name) one, (long PushedAtMs, string Name) other) =>
        one.PushedAtMs > other.PushedAtMs || (one.PushedAtMs == other.PushedAtMs && string.CompareOrdinal(one.Name, other.Name) < 0);

    /// <returns>Why a root stays, whatever else is there: all reasons but being one of the newest.</returns>
    public static IReadOnlyList<PlanReason> ReasonsOfItsOwn(RetentionRule rule, RootRow root, Func<RootRow, string?> inUse, StoreMoment now) =>
        new RetentionDecision(rule, now).Keep(root, rank: int.MaxValue, inUse);

    public static RetentionDecision Decide(RetentionRule rule, IReadOnlyList<RootRow> roots, Func<RootRow, string?> inUse, StoreMoment now)
    {
        var decision = new RetentionDecision(rule, now);
        var rank = 0;
        foreach (var root in roots.OrderByDescending(root => root.PushedAtMs).ThenBy(NameOf, StringComparer.Ordinal))
        {
            var reasons = decision.Keep(root, root.Tags.Count > 0 ? ++rank : 0, inUse);
            if (root.Tags.Count > 0 && rule.Options.KeepNewest is { } newest && rank <= (long)newest + Spare)
                decision._newest.Add(root.Digest);
            if (reasons.Count > 0)
                decision._kept.Add(new JudgedRoot(root, reasons));
            else
                decision._removed.Add(new JudgedRoot(root, [decision.WhyRemoved(root)]));
        }
        decision._removed.Reverse();
        decision.Stopped = decision.Guard();
        return decision;
    }

    /// <summary>Lets nothing be removed, for something else than the share.</summary>
    public void Stop(string why) => Stopped = why;

    private static string NameOf(RootRow root) => root.Tags.Count > 0 ? root.Tags[0].Name : root.Digest.ToString();

    private List<PlanReason> Keep(RootRow root, int rank, Func<RootRow, string?> inUse)
    {
        var reasons = root.Tags.Count > 0 ? KeepTagged(root, rank) : KeepUntagged(root);
        if (inUse(root) is { } where)
            reasons.Add(new PlanReason(PlanReasonKind.InUse, $"in use: {where}"));
        return reasons;
    }

    private List<PlanReason> KeepTagged(RootRow root, int rank)
    {
        var options = _rule.Options;
        var reasons = new List<PlanReason>();
        if (!options.RemovesTagged)
            reasons.Add(new PlanReason(PlanReasonKind.TaggedStays, "the rule removes no tagged images"));
        if (rank <= options.KeepNewest)
            reasons.Add(new PlanReason(PlanReasonKind.Newest, $"no. {rank} of the newest {options.KeepNewest}"));
        foreach (var tag in root.Tags)
        {
            if (_rule.KeepTags.FirstOrDefault(pattern => pattern.Matches(tag.Name)) is { } fitting)
                reasons.Add(new PlanReason(PlanReasonKind.KeepTag, $"tag {tag.Name} fits {fitting}"));
        }
        if (options.KeepPulledWithin is { } pulled && root.PulledAtMs > 0 && IsWithin(root.PulledAtMs, pulled + PullNotes.Grain))
            reasons.Add(new PlanReason(PlanReasonKind.Pulled, $"pulled {Moment(root.PulledAtMs)}, within {Words(pulled)}"));
        if (options.KeepYoungerThan is { } age && IsWithin(root.PushedAtMs, age))
            reasons.Add(new PlanReason(PlanReasonKind.Young, $"pushed {Moment(root.PushedAtMs)}, within {Words(age)}"));
        return reasons;
    }

    private List<PlanReason> KeepUntagged(RootRow root)
    {
        if (_rule.Options.UntaggedAfter is not { } after)
            return [new PlanReason(PlanReasonKind.UntaggedStays, "without a tag; the rule has no untaggedAfter")];
        return root.UntaggedAtMs is { } since && !IsWithin(since, after)
            ? []
            : [new PlanReason(PlanReasonKind.UntaggedYoung, $"without a tag since {Moment(root.UntaggedAtMs ?? _now.NowMs)}, not yet {Words(after)}")];
    }

    private PlanReason WhyRemoved(RootRow root)
    {
        if (root.Tags.Count == 0)
            return new PlanReason(PlanReasonKind.Untagged, $"without a tag since {Moment(root.UntaggedAtMs!.Value)}, longer than {Words(_rule.Options.UntaggedAfter!.Value)}");
        var options = _rule.Options;
        var missed = new List<string>();
        if (options.KeepNewest is { } newest)
            missed.Add($"not one of the newest {newest}");
        if (_rule.KeepTags.Count > 0)
            missed.Add("no pattern of keepTags fits");
        if (options.KeepPulledWithin is { } pulled)
            missed.Add(root.PulledAtMs == 0 ? "never pulled" : $"last pulled {Moment(root.PulledAtMs)}, not within {Words(pulled)}");
        if (options.KeepYoungerThan is { } age)
            missed.Add($"pushed {Moment(root.PushedAtMs)}, not within {Words(age)}");
        return new PlanReason(PlanReasonKind.NotKept, string.Join("; ", missed));
    }

    // What was said about an image that is gone isn't an image: signatures may go with what they sign, and don't make the share of the others smaller.
    private string? Guard()
    {
        var percent = _rule.Options.MaxRemovedPercent;
        if (_removed.Count == 0 || percent >= 100)
            return null;
        var removed = _removed.Count(root => !root.Root.LostSubject);
        var all = removed + _kept.Count(root => !root.Root.LostSubject);
        if (_kept.Count == 0)
            return $"would remove all {_removed.Count} images, which needs maxRemoved: 100%; nothing is removed here";
        // Exactly the share is allowed; multiplied, so that nothing is rounded.
        return (long)removed * 100 <= (long)percent * all
            ? null
            : $"would remove {removed} of {all} images ({100L * removed / all}%), more than maxRemoved ({percent}%); nothing is removed here; look at the plan, and raise maxRemoved if it is right";
    }

    private bool IsWithin(long atMs, TimeSpan span) => atMs > _now.AgoMs(span);

    private static string Moment(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    private static string Words(TimeSpan span) => span switch
    {
        _ when span.Ticks % TimeSpan.TicksPerDay == 0 => $"{span.Days}d",
        _ when span.Ticks % TimeSpan.TicksPerHour == 0 => $"{(long)span.TotalHours}h",
        _ when span.Ticks % TimeSpan.TicksPerMinute == 0 => $"{(long)span.TotalMinutes}m",
        _ => $"{(long)span.TotalSeconds}s",
    };
}

internal sealed record JudgedRoot(RootRow Root, IReadOnlyList<PlanReason> Reasons)
{
    public PlannedRoot ToPlanned() => new(
        Root.Digest.ToString(),
        [.. Root.Tags.Select(tag => new PlannedTag(tag.Name, At(tag.PushedAtMs)))],
        At(Root.PushedAtMs),
        Root.PulledAtMs == 0 ? null : At(Root.PulledAtMs),
        Root.UntaggedAtMs is { } untagged ? At(untagged) : null,
        Reasons);

    /// <summary>Is it now as it was when it was planned?</summary>
    public static bool IsAsPlanned(RootRow root, PlannedRoot planned) =>
        root.Digest == Digest.Parse(planned.Digest)
        && At(root.PushedAtMs) == planned.PushedAt
        && (root.PulledAtMs == 0 ? (DateTimeOffset?)null : At(root.PulledAtMs)) == planned.PulledAt
        && (root.UntaggedAtMs is { } untagged ? At(untagged) : (DateTimeOffset?)null) == planned.UntaggedSince
        && root.Tags.Select(tag => new PlannedTag(tag.Name, At(tag.PushedAtMs))).SequenceEqual(planned.Tags);

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);
}
