using Holdfast.Client;
using Holdfast.Client.Walk;
using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

/// <summary>
/// One repository: its links and tags, the manifests that they lead to and what those need. What indexes list is read whether or not it is linked, since
/// the bytes outlive the link.
/// </summary>
internal sealed class RepositoryScan(RegistryFolder folder, RepositoryFolder repository, BlobTable blobs, Action<FolderProblem> tell)
{
    private static readonly TimeSpan JustNow = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);


    // In one repository, however many links were damaged just now.
    private const int MaxLooks = 10;

    private readonly Dictionary<Digest, LinkFile> _layers = [];
    private readonly Dictionary<Digest, LinkFile> _revisions = [];
    private readonly Dictionary<Digest, ManifestNode> _nodes = [];
    private readonly HashSet<Digest> _used = [];
    private int _looks;

    public RepositoryName Name => repository.Name;

    public List<TagFolder> Tags { get; } = [];

    public IReadOnlyDictionary<Digest, LinkFile> Revisions => _revisions;

    public IReadOnlyDictionary<Digest, LinkFile> Layers => _layers;

    public IEnumerable<ManifestNode> Nodes => _nodes.Values;

    public RepositoryFolder Repository => repository;

    /// <summary>Does a manifest of this repository need the blob?</summary>
    public bool Uses(Digest blob) => _used.Contains(blob);

    public async Task RunAsync(CancellationToken token)
    {
        // A push writes blobs, then their links, then the manifest, then the tag: read the other way round, what is seen of one is whole.
        foreach (var tag in repository.Tags(tell))
        {
            var touched = tag.Current.WrittenAt ?? folder.Root.TryExamine($"{repository.Place}/_manifests/tags/{tag.Tag}")?.ModifiedAt;
            Tags.Add(tag with { Current = await SettleAsync(tag.Current, touched, () => repository.ReadTag(tag.Tag).Current, token) });
        }
        foreach (var (digest, link) in repository.Revisions(tell))
            _revisions[digest] = await SettleAsync(link, link.WrittenAt, () => repository.ReadRevision(digest), token);
        foreach (var (digest, link) in repository.Layers(tell))
            _layers[digest] = await SettleAsync(link, link.WrittenAt, () => repository.ReadLayer(digest), token);
        foreach (var tag in Tags.Where(static tag => tag.Current.IsPresent))
            Visit(tag.Current.Target, token);
        foreach (var (digest, _) in _revisions.Where(static link => link.Value.MayBeThere))
            Visit(digest, token);
    }

    /// <summary>The manifests that a pull of one may ask for, itself included.</summary>
    public IEnumerable<ManifestNode> Closure(Digest root)
    {
        var seen = new HashSet<Digest>();
        var waiting = new Stack<Digest>([root]);
        while (waiting.TryPop(out var digest))
        {
            if (!seen.Add(digest) || !_nodes.TryGetValue(digest, out var node))
                continue;
            yield return node;
            foreach (var child in Children(node))
                waiting.Push(child.Content.Digest);
        }
    }

    /// <summary>Looks again, with nothing remembered: at the manifest, at what it needs, and at whether anything still leads to it.</summary>
    public bool IsStillBroken(ManifestNode node)
    {
        blobs.Refresh(node.Digest);
        _revisions.Remove(node.Digest);
        foreach (var link in node.Links)
            _layers.Remove(link.Digest);
        var now = Read(node.Digest);
        foreach (var edge in now.View?.Edges.Where(static edge => edge.Role != StepRole.Child) ?? [])
        {
            if (blobs.StateOf(edge.Content.Digest, edge.Content.SizeBytes) != ContentState.Whole)
                blobs.Refresh(edge.Content.Digest);
            CheckBlob(now, edge);
        }
        return now.IsBroken && IsStillNamed(node.Digest);
    }

    // The registry makes the file first and writes it then, a tag's folder well before. What was touched just now gets the time to become whole.
    private async ValueTask<LinkFile> SettleAsync(LinkFile link, DateTimeOffset? touched, Func<LinkFile> read, CancellationToken token)
    {
        while (!link.IsPresent && _looks < MaxLooks && touched is { } at && (TimeProvider.System.GetUtcNow() - at).Duration() < JustNow)
        {
            _looks++;
            await Task.Delay(BetweenLooks, TimeProvider.System, token);
            link = read();
        }
        return link;
    }

    private bool IsStillNamed(Digest digest) =>
        repository.ReadRevision(digest).MayBeThere
        || Tags.Exists(tag => tag.Current.Target == digest && repository.ReadTag(tag.Tag).Current.Target == digest)
        || (_nodes.TryGetValue(digest, out var node) && node.Parents.Any(IsStillNamed));

    public static IEnumerable<ManifestEdge> Children(ManifestNode node) => node.View?.Edges.Where(static edge => edge.Role == StepRole.Child) ?? [];

    private void Visit(Digest root, CancellationToken token)
    {
        var waiting = new Stack<Digest>([root]);
        while (waiting.TryPop(out var digest))
        {
            token.ThrowIfCancellationRequested();
            if (_nodes.ContainsKey(digest))
                continue;
            var node = Read(digest);
            _nodes[digest] = node;
            foreach (var edge in node.View?.Edges ?? [])
            {
                if (edge.Role == StepRole.Child)
                    waiting.Push(edge.Content.Digest);
                else
                    CheckBlob(node, edge);
            }
        }
    }

    private ManifestNode Read(Digest digest)
    {
        var revision = _revisions.GetValueOrDefault(digest) ?? repository.ReadRevision(digest);
        // The registry asks for a manifest's own link first, and for a layer's of that digest where there is none.
        var isLinked = revision.IsPresent
            || (revision.State is LinkState.Absent or LinkState.EmptyFolder && _layers.TryGetValue(digest, out var layer) && layer.IsPresent);
        var node = new ManifestNode(digest) { Link = revision, IsLinked = isLinked };
        if (!isLinked)
            node.Links.Add(new MissingLink(LinkKind.Revision, digest, revision.State));
        if (blobs.Find(digest) is { } row)
            row.IsNeeded = true;
        node.Content = blobs.StateOf(digest, null);
        if (node.Content == ContentState.Whole)
            ReadBytes(node);
        return node;
    }

    private void ReadBytes(ManifestNode node)
    {
        try
        {
            var bytes = folder.TryRead(node.Digest, Manifest.MaxSizeBytes);
            if (bytes is null)
            {
                node.Content = blobs.Refresh(node.Digest) ? blobs.StateOf(node.Digest, null) : ContentState.Whole;
                node.Problem = node.Content == ContentState.Whole ? $"it has more than {Manifest.MaxSizeBytes} bytes" : null;
                return;
            }
            node.SizeBytes = bytes.Length;
            var found = Digest.Compute(node.Digest.Algorithm, bytes);
            if (found != node.Digest)
            {
                node.Content = ContentState.WrongHash;
                blobs.Find(node.Digest)?.State = ContentState.WrongHash;
                blobs.Find(node.Digest)?.Problem = $"its {bytes.Length} bytes are those of {found}";
                return;
            }
            if (ManifestViewReader.TryRead(new RemoteManifest(node.Digest, "", bytes), out var view, out var problem))
                node.View = view;
            node.Problem = problem;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            (node.Content, node.Problem) = (ContentState.Unreadable, e.Message);
        }
    }

    private void CheckBlob(ManifestNode node, ManifestEdge edge)
    {
        var digest = edge.Content.Digest;
        _used.Add(digest);
        if (blobs.Find(digest) is { } row)
            row.IsNeeded = true;
        var state = blobs.StateOf(digest, edge.Content.SizeBytes);
        if (state != ContentState.Whole && !node.Missing.Exists(part => part.Content.Digest == digest))
            node.Missing.Add(new MissingContent(edge.Role, edge.Content, state));
        var link = _layers.GetValueOrDefault(digest) ?? repository.ReadLayer(digest);
        if (!link.IsPresent && !node.Links.Exists(missing => missing.Kind == LinkKind.Layer && missing.Digest == digest))
            node.Links.Add(new MissingLink(LinkKind.Layer, digest, link.State));
    }
}
