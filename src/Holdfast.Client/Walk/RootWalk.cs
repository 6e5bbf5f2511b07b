using System.Collections.Concurrent;
using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>
/// Walks what one root needs: its hard edges down to the last layer, and then, each as a root of its own below it, subjects and referrers. Those are not
/// awaited from inside one another: a referrer leads back to its subject.
/// </summary>
internal sealed class RootWalk(RepositoryObjects objects, ReferrerSearch referrers, WalkOptions options, WalkCounts counts, CancellationToken token)
{
    private const int MaxDepth = 64;
    private const int MaxSoft = 10_000;

    private readonly ConcurrentDictionary<Digest, bool> _visited = new();
    private readonly ConcurrentQueue<(Digest Digest, WalkStep[] Path, Descriptor? Subject)> _soft = new();
    private readonly ConcurrentQueue<Finding> _findings = new();
    private readonly ConcurrentQueue<string> _notes = new();

    private int _leftOut;

    public Digest Digest { get; private set; }

    public int LeftOut => _leftOut;

    /// <summary>Sorted, since they were found in whatever order the registry answered.</summary>
    public IReadOnlyList<Finding> Findings => [.. _findings.OrderBy(static finding => string.Join('\n', finding.Path.Select(static step => $"{step.Role} {step.Name} {step.Digest}")), StringComparer.Ordinal)];

    public IReadOnlyList<string> Notes => [.. _notes.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Was the root itself not there?</summary>
    public bool IsRootMissing => _findings.Any(static finding => finding.Path.Count == 1 && finding.Problem.Kind == FindingKind.Missing);

    public async Task RunAsync(Reference root, string name)
    {
        var loaded = await objects.ResolveAsync(root);
        Digest = loaded.Digest;
        WalkStep[] path = [new WalkStep(StepRole.Root, name, loaded.Digest, loaded.View?.MediaType ?? "", null)];
        await TakeAsync(loaded, path);
        for (var taken = 0; _soft.TryDequeue(out var next); taken++)
        {
            if (taken == MaxSoft)
            {
                Add(next.Path, new Problem(FindingKind.Unchecked, $"more than {MaxSoft} subjects and referrers hang on it; the others were not looked at"));
                return;
            }
            await FollowAsync(next.Digest, next.Path, next.Subject);
        }
    }

    private async Task TakeAsync(LoadedManifest loaded, WalkStep[] path)
    {
        if (loaded.Problem is { } problem)
        {
            Add(path, problem);
            return;
        }
        if (!_visited.TryAdd(loaded.Digest, true))
            return;
        if (path.Length > MaxDepth)
        {
            Add(path, new Problem(FindingKind.Unusable, $"it nests deeper than {MaxDepth} levels"));
            return;
        }
        var view = loaded.View!;
        _soft.Enqueue((loaded.Digest, path, view.Subject));
        var layers = view.Edges.Count(static edge => edge.Role == StepRole.Layer);
        var layer = 0;
        var steps = view.Edges.Select(edge => (edge, Step: StepOf(edge, ref layer, layers))).ToList();
        await Parallel.ForEachAsync(
            steps, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = token },
            async (one, _) => await TakeAsync(one.edge, [.. path, one.Step]));
    }

    private async Task TakeAsync(ManifestEdge edge, WalkStep[] path)
    {
        if (edge.Role != StepRole.Child)
        {
            if (await objects.BlobAsync(edge.Content) is { } problem)
                Add(path, problem);
            return;
        }
        var loaded = await objects.ManifestAsync(edge.Content.Digest);
        // An index may list what is no manifest, which then lies where blobs do.
        if (loaded.Problem is { Kind: FindingKind.Missing or FindingKind.Unusable } && !IsManifest(edge.Content.MediaType))
        {
            if (loaded.Problem.Kind == FindingKind.Missing && await objects.BlobAsync(edge.Content) is { } problem)
                Add(path, problem);
            return;
        }
        if (loaded.View is { } view && view.SizeBytes != edge.Content.SizeBytes)
        {
            Add(path, new Problem(
                FindingKind.WrongSize, $"its bytes are right, and {view.SizeBytes} of them; what lists it says {edge.Content.SizeBytes}", 200, "", view.SizeBytes));
        }
        await TakeAsync(loaded, path);
    }

    // Neither has to be there; what is there has to be whole.
    private async Task FollowAsync(Digest digest, WalkStep[] path, Descriptor? subject)
    {
        if (subject is not null)
            await FollowAsync(new WalkStep(StepRole.Subject, "", subject.Digest, subject.MediaType, subject.SizeBytes), path, isRequired: false);
        var (found, problem, note) = await referrers.OfAsync(digest);
        if (problem is not null)
            Add(path, problem);
        if (note is not null)
            _notes.Enqueue(note);
        foreach (var referrer in found)
            await FollowAsync(new WalkStep(StepRole.Referrer, referrer.ArtifactType, referrer.Content.Digest, referrer.Content.MediaType, referrer.Content.SizeBytes), path, isRequired: true);
    }

    private async Task FollowAsync(WalkStep step, WalkStep[] path, bool isRequired)
    {
        if (_visited.ContainsKey(step.Digest))
            return;
        var loaded = await objects.ManifestAsync(step.Digest);
        if (!isRequired && loaded.Problem is { Kind: FindingKind.Missing })
            _notes.Enqueue($"{path[^1].Digest} names {step.Digest} as its subject, which is not there; that is allowed");
        else
            await TakeAsync(loaded, [.. path, step]);
    }

    private void Add(WalkStep[] path, Problem problem)
    {
        counts.AddFindings(1);
        if (_findings.Count < ClosureWalk.MaxFindingsOfRoot)
            _findings.Enqueue(new Finding(path, problem));
        else
            Interlocked.Increment(ref _leftOut);
    }

    private static WalkStep StepOf(ManifestEdge edge, ref int layer, int layers) => new(
        edge.Role, edge.Role == StepRole.Layer ? $"{++layer} of {layers}" : edge.Name, edge.Content.Digest, edge.Content.MediaType, edge.Content.SizeBytes);

    private static bool IsManifest(string mediaType) =>
        mediaType is "" or MediaTypes.OciManifest or MediaTypes.OciIndex or MediaTypes.DockerManifest or MediaTypes.DockerManifestList
            or MediaTypes.DockerSchema1 or MediaTypes.DockerSchema1Signed;
}
