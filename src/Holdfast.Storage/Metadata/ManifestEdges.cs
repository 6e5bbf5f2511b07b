using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>What a manifest refers to, looked up inside its repository: each digest once, however often it is listed.</summary>
internal sealed class ManifestEdges
{
    private readonly Manifest _manifest;
    private readonly List<Descriptor> _missing = [];
    private readonly List<SizeMismatch> _mismatched = [];
    private readonly HashSet<(long Blob, EdgeKind Kind)> _blobs = [];
    private readonly HashSet<long> _children = [];

    private ManifestEdges(Manifest manifest) => _manifest = manifest;

    /// <summary>Every hard edge that does not hold, in the order listed.</summary>
    public ManifestClosure Result => _missing.Count + _mismatched.Count == 0 ? ManifestClosure.Whole : new(_missing, _mismatched);

    public static ManifestEdges Resolve(MetadataSession session, RepositoryKey repository, Manifest manifest)
    {
        var edges = new ManifestEdges(manifest);

        // No row has the id 0: in a repository that doesn't exist every edge is missing, and it isn't created for that.
        var lookup = new EdgeLookup(session, Repositories.Find(session, repository) ?? 0);
        if (manifest.Config is { } config)
            edges.Add(config, lookup.FindBlob(config.Digest), EdgeKind.Config);
        foreach (var layer in manifest.Layers)
            edges.Add(layer, lookup.FindBlob(layer.Digest), EdgeKind.Layer);
        foreach (var child in manifest.Children)
            edges.Add(child, lookup.FindChild(child), EdgeKind.BlobChild);
        return edges;
    }

    /// <summary>Writes the edges; those of an earlier put under another media type go, and what they held is reviewed.</summary>
    public void Record(MetadataSession session, long repositoryId, long manifestId, long nowMs)
    {
        Reviews.QueueLinksOf(session, manifestId, nowMs);
        Reviews.QueueChildrenOf(session, manifestId, null, nowMs);
        session.Prepare("DELETE FROM manifest_blobs WHERE manifest_id = @manifest").Set("@manifest", manifestId).Execute();
        session.Prepare("DELETE FROM manifest_children WHERE manifest_id = @manifest").Set("@manifest", manifestId).Execute();
        session.Prepare("DELETE FROM soft_edges WHERE manifest_id = @manifest").Set("@manifest", manifestId).Execute();
        var addBlob = session.Prepare("INSERT INTO manifest_blobs (manifest_id, repository_id, blob_id, kind) VALUES (@manifest, @repository, @blob, @kind)")
            .Set("@manifest", manifestId).Set("@repository", repositoryId);
        foreach (var (blob, kind) in _blobs)
            addBlob.Set("@blob", blob).Set("@kind", (long)kind).Execute();
        var addChild = session.Prepare("INSERT INTO manifest_children (manifest_id, repository_id, child_id) VALUES (@manifest, @repository, @child)")
            .Set("@manifest", manifestId).Set("@repository", repositoryId);
        foreach (var child in _children)
            addChild.Set("@child", child).Execute();
        var addSoft = session.Prepare("INSERT INTO soft_edges (manifest_id, digest, kind) VALUES (@manifest, @digest, 1)").Set("@manifest", manifestId);
        foreach (var digest in _manifest.NonDistributableLayers.Select(layer => layer.Digest).Distinct())
            addSoft.Set("@digest", digest).Execute();
    }

    /// <summary>Has the database all of them? One that lost some gets them back by a push, before the collection takes what they held.</summary>
    public bool AreRecorded(MetadataSession session, long manifestId)
    {
        const string Blobs = "SELECT blob_id, kind FROM manifest_blobs WHERE manifest_id = @manifest";
        const string Children = "SELECT child_id FROM manifest_children WHERE manifest_id = @manifest";
        const string Soft = "SELECT COUNT(*) FROM soft_edges WHERE manifest_id = @manifest";
        var (blobs, children) = (0, 0);
        using (var rows = session.Prepare(Blobs).Set("@manifest", manifestId).Query())
        {
            while (rows.Read())
                blobs += _blobs.Contains((rows.Long(0), (EdgeKind)rows.Long(1))) ? 1 : 0;
        }
        using (var rows = session.Prepare(Children).Set("@manifest", manifestId).Query())
        {
            while (rows.Read())
                children += _children.Contains(rows.Long(0)) ? 1 : 0;
        }
        return blobs == _blobs.Count && children == _children.Count
            && session.Prepare(Soft).Set("@manifest", manifestId).QueryLong() == _manifest.NonDistributableLayers.Select(layer => layer.Digest).Distinct().Count();
    }

    private void Add(Descriptor stated, EdgeTarget target, EdgeKind kind)
    {
        if (target.Id == 0)
        {
            if (target.IsFirst)
                _missing.Add(stated);
            return;
        }
        if (target.SizeBytes != stated.SizeBytes)
            _mismatched.Add(new SizeMismatch(stated, target.SizeBytes));
        else if (target.IsManifest)
            _children.Add(target.Id);
        else
            _blobs.Add((target.Id, kind));
    }

    /// <summary>The stored values of <c>manifest_blobs.kind</c>.</summary>
    private enum EdgeKind
    {
        Config = 1,
        Layer = 2,
        BlobChild = 3,
    }

    /// <param name="Id">A blob's or a manifest's; 0 if there is none.</param>
    /// <param name="IsFirst">Is this the first time the manifest lists the digest?</param>
    private readonly record struct EdgeTarget(long Id, long SizeBytes, bool IsManifest, bool IsFirst);

    private sealed class EdgeLookup(MetadataSession session, long repositoryId)
    {
        private const string LinkedBlob = """
            SELECT b.id, b.size FROM blobs b
            JOIN links l ON l.repository_id = @repository AND l.blob_id = b.id
            WHERE b.digest = @digest AND l.trashed_at IS NULL
            """;
        private const string Child = """
            SELECT m.id, b.size FROM blobs b
            JOIN manifests m ON m.repository_id = @repository AND m.blob_id = b.id
            WHERE b.digest = @digest AND m.trashed_at IS NULL
            """;

        private readonly Dictionary<Digest, EdgeTarget> _blobs = [];
        private readonly Dictionary<Digest, EdgeTarget> _children = [];

        public EdgeTarget FindBlob(Digest digest)
        {
            if (_blobs.TryGetValue(digest, out var known))
                return known with { IsFirst = false };
            return _blobs[digest] = Query(LinkedBlob, digest, isManifest: false);
        }

        /// <summary>
        /// A manifest of the repository; or a linked blob, if the index doesn't say that it is a manifest: indexes of BuildKit's caches list layers as children.
        /// A manifest whose bytes are there as a blob alone can't be pulled, and nobody has looked whether it is whole (P2).
        /// </summary>
        public EdgeTarget FindChild(Descriptor stated)
        {
            if (!_children.TryGetValue(stated.Digest, out var child))
                _children.Add(stated.Digest, child = Query(Child, stated.Digest, isManifest: true));
            else
                child = child with { IsFirst = false };
            return child.Id != 0 || MediaTypes.IsManifest(stated.MediaType) ? child : FindBlob(stated.Digest);
        }

        private EdgeTarget Query(string sql, Digest digest, bool isManifest)
        {
            using var rows = session.Prepare(sql).Set("@repository", repositoryId).Set("@digest", digest).Query();
            return rows.Read() ? new EdgeTarget(rows.Long(0), rows.Long(1), isManifest, true) : new EdgeTarget(0, 0, isManifest, true);
        }
    }
}
