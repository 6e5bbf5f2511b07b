using System.Collections.Concurrent;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>Reads from a source the manifests under some roots of one repository, each once, level by level; what the target has already is not read.</summary>
internal sealed class ClosureReading(ContentSource source, ImportTarget target, RepositoryName repository, RepositoryName place, int parallel)
{
    // A closure that is deeper is no image's.
    private const int MaxDepth = 16;

    private static readonly string[] ManifestTypes =
        [MediaTypes.OciManifest, MediaTypes.OciIndex, MediaTypes.DockerManifest, MediaTypes.DockerManifestList];

    private readonly Dictionary<Digest, ClosureNode> _nodes = [];

    public IReadOnlyDictionary<Digest, ClosureNode> Nodes => _nodes;

    /// <summary>Reads these and all below them. Call it again for more roots.</summary>
    public async Task ReadAsync(IEnumerable<Digest> roots, CancellationToken token)
    {
        var level = roots.Distinct().Where(digest => !_nodes.ContainsKey(digest)).ToList();
        for (var depth = 0; level.Count > 0; depth++)
        {
            var there = await target.FindManifestsAsync(place, level, token);
            var read = new ConcurrentBag<ClosureNode>();
            await Parallel.ForEachAsync(level, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = token }, async (digest, one) =>
            {
                var node = new ClosureNode(digest) { IsThere = there.Contains(digest) };
                if (!node.IsThere)
                    await ReadAsync(node, depth, one);
                read.Add(node);
            });
            foreach (var node in read)
                _nodes.Add(node.Digest, node);
            level = [.. read.SelectMany(node => node.Children).Select(child => child.Digest).Distinct().Where(digest => !_nodes.ContainsKey(digest))];
        }
    }

    /// <summary>All of the given ones and below, each after those that it lists.</summary>
    public IReadOnlyList<ClosureNode> InOrder(IEnumerable<Digest> roots)
    {
        var ordered = new List<ClosureNode>();
        var seen = new HashSet<Digest>();
        foreach (var root in roots)
            Visit(root);
        return ordered;

        // As deep as MaxDepth.
        void Visit(Digest digest)
        {
            if (!_nodes.TryGetValue(digest, out var node) || !seen.Add(digest))
                return;
            foreach (var child in node.Children)
                Visit(child.Digest);
            ordered.Add(node);
        }
    }

    private async Task ReadAsync(ClosureNode node, int depth, CancellationToken token)
    {
        try
        {
            if (depth > MaxDepth)
                node.Flaw = new Flaw($"indexes below indexes, more than {MaxDepth} deep");
            else if (await source.TryReadManifestAsync(repository, node.Digest, token) is { } found)
                Understand(node, found);
            else
                node.Flaw = new Flaw("its bytes are not there");
        }
        catch (SourceException e)
        {
            node.Flaw = new Flaw(e.Message, IsUnknown: !e.IsWrongBytes);
        }
    }

    private static void Understand(ClosureNode node, SourceManifest found)
    {
        if (!ManifestParser.TryParse(found.Payload, found.MediaType, out var manifest, out var problem))
        {
            node.Flaw = new Flaw(problem);
            return;
        }
        (node.Source, node.Manifest) = (found, manifest);
        var blobs = new HashSet<LinkedBlob>();
        if (manifest.Config is { } config)
            blobs.Add(new LinkedBlob(config.Digest, config.SizeBytes));
        foreach (var layer in manifest.Layers)
            blobs.Add(new LinkedBlob(layer.Digest, layer.SizeBytes));
        foreach (var child in manifest.Children)
        {
            // BuildKit's caches list layers as children.
            if (child.MediaType.Length == 0 || Array.IndexOf(ManifestTypes, child.MediaType) >= 0)
                node.Children.Add(child);
            else
                blobs.Add(new LinkedBlob(child.Digest, child.SizeBytes));
        }
        node.Blobs.AddRange(blobs);
    }
}
