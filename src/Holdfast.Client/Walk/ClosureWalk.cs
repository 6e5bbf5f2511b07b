using System.Collections.Concurrent;
using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>
/// Walks roots of one registry of any make: index, children, config, layers, nested indexes, subjects, referrers; reads and hashes the bytes, or asks by HEAD.
/// Each object is asked for once however many images share it. What is wrong is told by root.
/// </summary>
public sealed class ClosureWalk : IDisposable
{
    /// <summary>More are counted only (P10).</summary>
    public const int MaxFindingsOfRoot = 1_000;

    // A tag that a push moves while it is read is read again; one that is moved all the time, not for ever.
    private const int MaxLooks = 3;

    private readonly RegistryClient _client;
    private readonly WalkOptions _options;
    private readonly SemaphoreSlim _slots;
    private readonly ReferrerSupport _support = new();

    public ClosureWalk(RegistryClient client, WalkOptions options)
    {
        (_client, _options) = (client, options);
        _slots = new SemaphoreSlim(options.Parallel);
    }

    public WalkCounts Counts { get; } = new();

    /// <summary>Walks one tag or digest.</summary>
    /// <param name="name">As it is to be shown: the tag or digest.</param>
    public async Task<RepositoryReport> WalkAsync(RepositoryName repository, Reference reference, string name, CancellationToken token)
    {
        var objects = new RepositoryObjects(_client, repository, _options, Counts, _slots, token);
        var referrers = new ReferrerSearch(objects, repository, _support, tagsAreWalked: false, token);
        return new RepositoryReport(repository, [await WalkRootAsync(objects, referrers, repository, reference, name, token)]);
    }

    /// <summary>Walks tags that the registry has listed.</summary>
    /// <param name="areAll">Are these all tags of the repository?</param>
    public async Task<RepositoryReport> WalkTagsAsync(RepositoryName repository, IReadOnlyList<Tag> tags, bool areAll, CancellationToken token)
    {
        var objects = new RepositoryObjects(_client, repository, _options, Counts, _slots, token);
        var referrers = new ReferrerSearch(objects, repository, _support, areAll, token);
        var roots = new ConcurrentQueue<RootReport>();
        await Parallel.ForEachAsync(
            tags, new ParallelOptions { MaxDegreeOfParallelism = _options.Parallel, CancellationToken = token },
            async (tag, token) => roots.Enqueue(await WalkRootAsync(objects, referrers, repository, tag, tag.ToString(), token)));
        var sorted = roots.OrderBy(static root => root.Name, StringComparer.Ordinal).ToList();
        return new RepositoryReport(repository, await WithoutDeletedAsync(repository, sorted, token));
    }

    public void Dispose() => _slots.Dispose();

    private async Task<RootReport> WalkRootAsync(
        RepositoryObjects objects, ReferrerSearch referrers, RepositoryName repository, Reference reference, string name, CancellationToken token)
    {
        var began = _options.Time.GetTimestamp();
        List<string> notes = [];
        for (var look = 1; ; look++)
        {
            var walk = new RootWalk(objects, referrers, _options, Counts, token);
            await walk.RunAsync(reference, name);
            if (walk.Findings.Count > 0 && !reference.IsDigest && look < MaxLooks && await HasMovedAsync(objects, reference, walk.Digest))
            {
                notes.Add("it was moved while it was read, and read again");
                Counts.AddFindings(-walk.Findings.Count - walk.LeftOut);
                objects.ForgetProblems();
                continue;
            }
            Counts.AddRoot();
            return new RootReport(
                repository, name, walk.Digest, walk.Findings, walk.LeftOut, [.. notes.Distinct(StringComparer.Ordinal), .. walk.Notes], _options.Time.GetElapsedTime(began));
        }
    }

    // What hung on the old image may be gone with good reason.
    private static async Task<bool> HasMovedAsync(RepositoryObjects objects, Reference tag, Digest was) =>
        (await objects.HeadAsync(tag)).TryGet(out var now, out _) && !now.Digest.IsNone && now.Digest != was;

    // A tag that is listed and not there is damage; one that isn't listed any more was deleted meanwhile.
    private async Task<IReadOnlyList<RootReport>> WithoutDeletedAsync(RepositoryName repository, List<RootReport> roots, CancellationToken token)
    {
        if (!roots.Exists(IsSuspect))
            return roots;
        var listed = await _client.ListTagsAsync(repository, token);
        if (!listed.TryGet(out var tags, out var failure) && failure.Outcome != RegistryOutcome.Unknown)
            return roots;
        var still = (tags ?? []).Select(static tag => tag.ToString()).ToHashSet(StringComparer.Ordinal);
        return [.. roots.Select(root => !IsSuspect(root) || still.Contains(root.Name) ? root : Deleted(root))];
    }

    private static bool IsSuspect(RootReport root) => root.Findings.Any(static finding => finding.Problem.Kind == FindingKind.Missing);

    private RootReport Deleted(RootReport root)
    {
        Counts.AddFindings(-root.Findings.Count - root.LeftOut);
        return root with { Findings = [], LeftOut = 0, Notes = [.. root.Notes, "it was deleted while it was read"] };
    }
}
