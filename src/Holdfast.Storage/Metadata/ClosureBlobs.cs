using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The blobs under a manifest, however deep: what must be in the blob store for it to be whole (P2).</summary>
public static class ClosureBlobs
{
    /// <summary>
    /// Configs, layers and blob children of the manifest and of all manifests below it, each once. Of a manifest below it itself, only
    /// where the database's copy of the bytes is not there in full.
    /// </summary>
    /// <param name="manifest">One whose every hard edge holds (<see cref="Manifests.CheckClosure"/>).</param>
    public static IReadOnlyCollection<LinkedBlob> List(MetadataSession session, RepositoryKey repository, Manifest manifest)
    {
        var blobs = new HashSet<LinkedBlob>();
        var seen = new HashSet<long>();
        var below = new Queue<long>();
        if (manifest.Config is { } config)
            blobs.Add(new LinkedBlob(config.Digest, config.SizeBytes));
        foreach (var layer in manifest.Layers)
            blobs.Add(new LinkedBlob(layer.Digest, layer.SizeBytes));
        foreach (var child in manifest.Children)
        {
            if (Manifests.FindId(session, repository, child.Digest) is not { } id)
                blobs.Add(new LinkedBlob(child.Digest, child.SizeBytes));
            else if (seen.Add(id))
                below.Enqueue(id);
        }
        AddBelow(session, seen, below, blobs);
        return blobs;
    }

    /// <summary>The same of a manifest that is stored; of that one itself too, where the database's copy is not there in full.</summary>
    public static IReadOnlyCollection<LinkedBlob> List(MetadataSession session, RepositoryKey repository, Digest manifest)
    {
        var blobs = new HashSet<LinkedBlob>();
        if (Manifests.FindId(session, repository, manifest) is { } id)
            AddBelow(session, [id], new Queue<long>([id]), blobs);
        return blobs;
    }

    /// <summary>Is something known to be wrong with the config or a layer of an image? Of an index never: its other images may be whole.</summary>
    public static bool IsDamagedImage(MetadataSession session, RepositoryKey repository, Digest manifest)
    {
        const string HasChildren = "SELECT 1 FROM manifest_children WHERE manifest_id = @manifest LIMIT 1";
        if (Manifests.FindId(session, repository, manifest) is not { } id || session.Prepare(HasChildren).Set("@manifest", id).QueryLong() is not null)
            return false;
        var blobs = new HashSet<LinkedBlob>();
        AddBlobs(session, id, blobs);
        return blobs.Any(blob => Incidents.HasOpen(session, blob.Digest.ToString()));
    }

    private static void AddBelow(MetadataSession session, HashSet<long> seen, Queue<long> below, HashSet<LinkedBlob> blobs)
    {
        // Each manifest once: indexes that list the same children would else multiply.
        while (below.TryDequeue(out var id))
        {
            AddBlobs(session, id, blobs);
            AddChildren(session, id, seen, below);
        }
    }

    private static void AddBlobs(MetadataSession session, long manifestId, HashSet<LinkedBlob> blobs)
    {
        const string Sql = """
            SELECT b.digest, b.size FROM manifest_blobs e
            JOIN blobs b ON b.id = e.blob_id
            WHERE e.manifest_id = @manifest
            UNION ALL
            SELECT b.digest, b.size FROM manifests m
            JOIN blobs b ON b.id = m.blob_id
            WHERE m.id = @manifest
              AND NOT EXISTS (SELECT 1 FROM manifest_payloads p WHERE p.blob_id = b.id AND length(p.payload) = b.size)
            """;
        using var rows = session.Prepare(Sql).Set("@manifest", manifestId).Query();
        while (rows.Read())
            blobs.Add(new LinkedBlob(rows.Digest(0), rows.Long(1)));
    }

    private static void AddChildren(MetadataSession session, long manifestId, HashSet<long> seen, Queue<long> below)
    {
        using var rows = session.Prepare("SELECT child_id FROM manifest_children WHERE manifest_id = @manifest").Set("@manifest", manifestId).Query();
        while (rows.Read())
        {
            if (seen.Add(rows.Long(0)))
                below.Enqueue(rows.Long(0));
        }
    }
}
