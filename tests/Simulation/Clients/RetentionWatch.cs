using Holdfast.Oci;
using Holdfast.Server;
using Holdfast.Storage.Metadata;

namespace Simulation.Clients;

/// <summary>
/// Looks at what retention runs do from beside: each change of one is judged where it is made, by the rule's words and by what clients were told, over rows that
/// are read with other queries than the planner's. What it took is then a delete to the model.
/// </summary>
internal sealed class RetentionWatch(World world)
{
    private const string Live = """
        SELECT r.name, b.digest, MAX(m.pushed_at, COALESCE((SELECT MAX(t.pushed_at) FROM tags t WHERE t.manifest_id = m.id), 0)),
          (SELECT GROUP_CONCAT(t.name) FROM tags t WHERE t.manifest_id = m.id),
          EXISTS (SELECT 1 FROM manifest_children c JOIN manifests p ON p.id = c.manifest_id AND p.trashed_at IS NULL WHERE c.child_id = m.id)
            OR EXISTS (SELECT 1 FROM manifests s JOIN blobs sb ON sb.id = s.blob_id
              WHERE sb.digest = m.subject AND s.repository_id = m.repository_id AND s.trashed_at IS NULL)
        FROM manifests m JOIN repositories r ON r.id = m.repository_id JOIN registries g ON g.id = r.registry_id AND g.kind = 1 JOIN blobs b ON b.id = m.blob_id
        WHERE m.trashed_at IS NULL
        """;
    private const string Taken = """
        SELECT t.operation, r.name, b.digest, t.tag, t.deleted_at FROM trash t
        JOIN repositories r ON r.id = t.repository_id JOIN manifests m ON m.id = t.manifest_id JOIN blobs b ON b.id = m.blob_id
        WHERE t.cause = 2
        """;

    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Repository, Node Node), long> _tagged = [];
    private readonly Dictionary<(int Repository, Node Node), long> _pulled = [];
    private readonly Dictionary<(int Repository, Node Node), long> _notedPulls = [];

    /// <summary>Runs that are under way.</summary>
    public int Running { get; private set; }

    public async Task RunAsync()
    {
        Running++;
        try
        {
            if (await world.Process.Retention.RunAsync(Holdfast.Server.Retention.PlanScope.All, null, null, CancellationToken.None) is { } result)
                world.Trace?.Invoke($"    retention removed {result.Removed}{string.Concat(result.Repositories.Where(r => r.Stopped is not null).Select(r => $"; {r.Repository} {r.Stopped}"))}");
        }
        finally
        {
            Running--;
        }
    }

    /// <summary>A push that named tags is acknowledged; it was sent at that time.</summary>
    public void NoteTagged(int repository, Node node, long atMs) => _tagged[(repository, node)] = atMs;

    public void NotePull(int repository, Node node) => _notedPulls[(repository, node)] = world.Time.PassedMs;

    /// <summary>What was noted before is written down: a rule may not remove it for a while. Where writing may fail, nobody knows.</summary>
    public async Task FlushAsync()
    {
        var noted = _notedPulls.ToList();
        await world.Process.Pulls.FlushAsync(CancellationToken.None);
        foreach (var ((repository, node), atMs) in noted)
        {
            if (world.Profile.FaultOneIn == 0 && Manifests.Find(world.Session, world.KeyOf(repository), World.ReferenceTo(node.Digest)) is not null)
                _pulled[(repository, node)] = atMs;
            _notedPulls.Remove((repository, node));
        }
    }

    /// <summary>A manifest's row may be a new one after this: nobody has pulled that.</summary>
    public void NotePush(int repository, Node node)
    {
        if (Manifests.Find(world.Session, world.KeyOf(repository), World.ReferenceTo(node.Digest)) is null)
            _pulled.Remove((repository, node));
    }

    public void Abandon() => (Running, _) = (0, Forget());

    /// <summary>A change of a run, inside its transaction.</summary>
    public TResult Watch<TState, TResult>(MetadataSession session, TState state, Func<MetadataSession, TState, TResult> change)
    {
        var before = ReadLive(session);
        var known = ReadTaken(session).Select(taken => taken.Operation).ToHashSet(StringComparer.Ordinal);
        var result = change(session, state);
        var taken = ReadTaken(session).Where(row => !known.Contains(row.Operation)).ToList();
        if (taken.Count == 0)
            return result;
        var after = ReadLive(session);
        foreach (var operation in taken.GroupBy(row => row.Operation))
        {
            var (_, repository, node, _, _) = operation.First();
            if (before.Find(row => row.Repository == repository && row.Node == node) is { } row)
                Judge(row, [.. after.Where(row => row.Repository == repository)]);
            else
                throw new BrokenPromiseException($"retention took {node.Name} from r{repository}, which was not there");
        }
        return result;
    }

    /// <summary>After the commit: tells the model what is new in the trash.</summary>
    /// <param name="isRestorable">False after a start: what else was in the same commit nobody knows.</param>
    public void Learn(bool isRestorable)
    {
        foreach (var operation in ReadTaken(world.Session).GroupBy(row => row.Operation).Where(operation => _known.Add(operation.Key)).ToList())
        {
            var (_, repository, node, _, atMs) = operation.First();
            var tags = operation.Where(row => row.Tag is not null).Select(row => row.Tag!.Value).ToList();
            world.Trace?.Invoke($"    retention took {node.Name} from r{repository}{string.Concat(tags.Select(tag => $" t{tag}"))}");
            var change = world.Model.Begin(new Change(repository) { Effects = [.. tags.Select(tag => new Effect(tag, null))], MayHide = [.. node.WithClosure()] });
            world.Model.Acknowledge(change);
            // A clock that jumped since only makes it seem longer ago.
            if (isRestorable)
                world.Deleted.Add(new DeletedThing(repository, null, node, operation.Key, world.Time.PassedMs - (world.Process.NowMs - atMs), change.Started));
        }
    }

    private int Forget()
    {
        _notedPulls.Clear();
        return 0;
    }

    private void Judge(LiveRow taken, List<LiveRow> left)
    {
        var from = $"retention took {taken.Node.Name} from r{taken.Repository}";
        if (world.Profile.RuleOf(taken.Repository) is not { } rule)
            throw new BrokenPromiseException($"{from}, for which there is no rule");
        if (taken.IsPart)
            throw new BrokenPromiseException($"{from}, which is part of an image that is there");
        if (rule.MaxRemovedPercent < 100 && left.TrueForAll(row => row.IsPart))
            throw new BrokenPromiseException($"{from}, and nothing is left there");
        if (taken.Tags.Count == 0)
            JudgeUntagged(taken, rule, from);
        else
            JudgeTagged(taken, rule, left, from);
    }

    private void JudgeTagged(LiveRow taken, RetentionOptions rule, List<LiveRow> left, string from)
    {
        if (!rule.RemovesTagged)
            throw new BrokenPromiseException($"{from}, and the rule takes nothing that is tagged");
        if (taken.Tags.Find(tag => rule.KeepTags.Any(pattern => pattern == tag || pattern == "*")) is { } kept)
            throw new BrokenPromiseException($"{from}, whose tag {kept} is always kept");
        if (rule.KeepNewest is { } newest && left.Count(row => !row.IsPart && row.Tags.Count > 0 && row.PushedAtMs >= taken.PushedAtMs) < newest)
            throw new BrokenPromiseException($"{from}, which was one of the newest {newest}");
        if (rule.KeepYoungerThan is { } age && IsWithin(_tagged, taken, age))
            throw new BrokenPromiseException($"{from}, which was pushed within {age}");
        if (rule.KeepPulledWithin is { } pulled && IsWithin(_pulled, taken, pulled))
            throw new BrokenPromiseException($"{from}, which was pulled within {pulled}");
    }

    private void JudgeUntagged(LiveRow taken, RetentionOptions rule, string from)
    {
        if (rule.UntaggedAfter is not { } after)
            throw new BrokenPromiseException($"{from}, and the rule takes nothing that is not tagged");
        if (IsWithin(_tagged, taken, after))
            throw new BrokenPromiseException($"{from}, which had a tag within {after}");
    }

    private bool IsWithin(Dictionary<(int, Node), long> times, LiveRow row, TimeSpan span) =>
        times.TryGetValue((row.Repository, row.Node), out var atMs) && world.Time.PassedMs - atMs < span.TotalMilliseconds;

    private static List<LiveRow> ReadLive(MetadataSession session)
    {
        var found = new List<LiveRow>();
        using var rows = session.Prepare(Live).Query();
        while (rows.Read())
        {
            found.Add(new LiveRow(
                RepositoryOf(rows.Text(0)), Content.FindNode(rows.Digest(1))!, rows.Long(2), [.. (rows.TextOrNull(3) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)], rows.Long(4) == 1));
        }
        return found;
    }

    private static List<(string Operation, int Repository, Node Node, int? Tag, long AtMs)> ReadTaken(MetadataSession session)
    {
        var found = new List<(string, int, Node, int?, long)>();
        using var rows = session.Prepare(Taken).Query();
        while (rows.Read())
            found.Add((rows.Text(0), RepositoryOf(rows.Text(1)), Content.FindNode(rows.Digest(2))!, rows.TextOrNull(3) is { } tag ? tag[1] - '0' : null, rows.Long(4)));
        return found;
    }

    private static int RepositoryOf(string name) => name[1] - '0';

    /// <param name="IsPart">Of an index, or about an image, that is there.</param>
    private sealed record LiveRow(int Repository, Node Node, long PushedAtMs, List<string> Tags, bool IsPart);
}
