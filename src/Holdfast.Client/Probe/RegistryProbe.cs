using System.Collections.Concurrent;
using Holdfast.Client.Walk;
using Holdfast.Oci;

namespace Holdfast.Client.Probe;

/// <summary>
/// One round over all tags of a registry: lists them, chooses, walks, and remembers. For one round alone. What could not be checked while other things could counts as failing;
/// if nothing could, the registry is away, and nothing is known of its tags (P6).
/// </summary>
public sealed class RegistryProbe(RegistryClient client, ProbeMemory memory, ProbeOptions options)
{
    // Listing is quick, and small repositories alone would not keep all requests busy.
    private const int RepositoriesAtOnce = 4;

    // Of one round, for people; all of them are counted.
    private const int MaxBroken = 1_000;

    private readonly ConcurrentQueue<RootReport> _broken = new();
    private readonly ConcurrentDictionary<RepositoryName, string> _unlisted = new();
    private readonly ConcurrentDictionary<TagKey, TagState> _unchecked = new();

    private int _answered;

    /// <exception cref="OperationCanceledException">The token was cancelled; what was checked by then is remembered.</exception>
    public async Task<ProbeRound> RunAsync(CancellationToken token)
    {
        var began = options.Time.GetTimestamp();
        using var walk = new ClosureWalk(client, new WalkOptions { Fast = options.Fast, Parallel = options.Parallel, Ledger = memory, Time = options.Time });
        var listed = await client.ListRepositoriesAsync(token);
        if (!listed.TryGet(out var repositories, out var failure))
            return End($"the catalogue could not be read: {failure.Detail}", false, [], 0);
        if (repositories.Count == 0 && !options.MayBeEmpty)
            return End("the catalogue is empty", false, [], 0);
        var known = await ListTagsAsync(repositories, token);
        Forget(known);
        var chosen = Choose(known);
        await Parallel.ForEachAsync(chosen, Bound(token), async (repository, token) =>
        {
            var isAll = repository.Tags.Count == known[repository.Name].Count;
            Remember(await walk.WalkTagsAsync(repository.Name, repository.Tags, isAll, token));
        });
        var tags = known.Values.Sum(static tags => tags.Count);
        // A registry that was gone half of the way has told nothing about the rest.
        if (_answered == 0 && (tags > 0 || !_unlisted.IsEmpty))
            return End($"nothing could be checked: {FirstProblem()}", true, chosen, tags);
        // A registry whose tags are all gone looks like one without images, and nobody has such a one watched.
        if (tags == 0 && !options.MayBeEmpty)
            return End($"the catalogue names {Counted.Of(repositories.Count, "repository", "repositories")}, and not one tag", false, chosen, tags);
        foreach (var (key, state) in _unchecked)
            memory.Tags[key] = state;
        memory.LastRunAt = options.Time.GetUtcNow().ToUnixTimeSeconds();
        memory.Prune();
        return End(null, true, chosen, tags);

        ProbeRound End(string? fault, bool accessible, IReadOnlyList<Chosen> chosen, int tagsKnown) => new(
            memory.Instance, fault, accessible, chosen.Count, chosen.Sum(static one => one.Tags.Count), tagsKnown, walk.Counts, [.. _broken], options.Time.GetElapsedTime(began))
        {
            Unlisted = _unlisted,
        };
    }

    private ParallelOptions Bound(CancellationToken token) => new() { MaxDegreeOfParallelism = RepositoriesAtOnce, CancellationToken = token };

    private async Task<ConcurrentDictionary<RepositoryName, IReadOnlyList<Tag>>> ListTagsAsync(IReadOnlyList<RepositoryName> repositories, CancellationToken token)
    {
        var known = new ConcurrentDictionary<RepositoryName, IReadOnlyList<Tag>>();
        await Parallel.ForEachAsync(repositories, Bound(token), async (repository, token) =>
        {
            var listed = await client.ListTagsAsync(repository, token);
            if (listed.TryGet(out var tags, out var failure))
                known[repository] = tags;
            else if (failure.Outcome != RegistryOutcome.Unknown)
                _unlisted[repository] = failure.Detail;
            // Deleted since the catalogue was read, or without its last tag: registry:2 lists such repositories for ever.
        });
        return known;
    }

    // What was deleted has no failures any more. Of repositories that could not be listed nobody knows.
    private void Forget(ConcurrentDictionary<RepositoryName, IReadOnlyList<Tag>> known)
    {
        var tags = known.SelectMany(static repository => repository.Value.Select(tag => new TagKey(repository.Key, tag))).ToHashSet();
        foreach (var (key, _) in memory.Tags)
        {
            if (!tags.Contains(key) && !_unlisted.ContainsKey(key.Repository))
                memory.Tags.TryRemove(key, out _);
        }
        foreach (var key in tags)
            memory.Tags.TryAdd(key, default);
        foreach (var repository in _unlisted.Keys)
            memory.Tags[new TagKey(repository, default)] = new TagState(0, 1);
        foreach (var repository in known.Keys)
            memory.Tags.TryRemove(new TagKey(repository, default), out _);
    }

    // Failing ones first, since an alarm must end when it is over; then whoever was left out for the longest time.
    private List<Chosen> Choose(ConcurrentDictionary<RepositoryName, IReadOnlyList<Tag>> known)
    {
        var all = known.SelectMany(static repository => repository.Value.Select(tag => new TagKey(repository.Key, tag)));
        var now = options.Time.GetUtcNow().ToUnixTimeSeconds();
        var chosen = options.MaxTags is not { } most ? all : all
            .Select(key => (Key: key, State: memory.Tags.GetValueOrDefault(key)))
            .OrderBy(static one => one.State.Failures > 0 ? 0 : 1)
            // A time that the clock has not reached was another clock's: the tag would never have its turn.
            .ThenBy(one => one.State.CheckedAt > now ? 0 : one.State.CheckedAt)
            .ThenBy(static one => one.Key.Repository)
            .ThenBy(static one => one.Key.Tag)
            .Take(most)
            .Select(static one => one.Key);
        return [.. chosen.GroupBy(static key => key.Repository).Select(static group => new Chosen(group.Key, [.. group.Select(static key => key.Tag)]))];
    }

    private void Remember(RepositoryReport report)
    {
        var now = options.Time.GetUtcNow().ToUnixTimeSeconds();
        foreach (var root in report.Roots)
        {
            var key = new TagKey(report.Repository, Tag.Parse(root.Name));
            var state = new TagState(now, root.Findings.Count + root.LeftOut);
            if (root.IsWhole || root.Findings.Any(static finding => finding.Problem.Kind != FindingKind.Unchecked))
            {
                memory.Tags[key] = state;
                Interlocked.Increment(ref _answered);
            }
            else
                _unchecked[key] = state;
            if (!root.IsWhole && _broken.Count < MaxBroken)
                _broken.Enqueue(root);
        }
    }

    private string FirstProblem() =>
        _broken.Select(static root => root.Findings[0].Problem.Answer).FirstOrDefault() ?? _unlisted.Values.FirstOrDefault() ?? "the registry has no tags any more";

    private sealed record Chosen(RepositoryName Name, IReadOnlyList<Tag> Tags);
}
