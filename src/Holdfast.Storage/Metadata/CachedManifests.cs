using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// The manifests and blobs of caches. Their edges are soft, and nothing of them is journaled: what is lost can be had from the upstream again.
/// </summary>
public static class CachedManifests
{
    /// <summary>Stores a manifest whose bytes are in the blob store, whatever of its closure is there. Idempotent. Hold its lock.</summary>
    public static void Put(MetadataSession session, ManifestPut put, long nowMs)
    {
        var repositoryId = Repositories.Ensure(session, put.Repository, nowMs);
        var blobId = BlobRows.Ensure(session, new StoredBlob(put.Digest, put.Payload.Length, put.Stamp), nowMs);
        Manifests.PutPayload(session, blobId, put.Payload);
        var manifestId = Manifests.PutRow(session, new Located<long>(put.Repository, repositoryId, blobId), put.Manifest, new PutTimes(nowMs, nowMs), out var changed);
        if (changed)
            RecordEdges(session, manifestId, put.Manifest);
        foreach (var tag in put.Tags)
            CachedTags.Put(session, new Located<Tag>(put.Repository, repositoryId, tag), manifestId, nowMs);
    }

    /// <summary>Lets a cache's repository have a blob whose bytes are stored. Idempotent. Hold its lock.</summary>
    public static void Link(MetadataSession session, RepositoryKey repository, StoredBlob blob, long nowMs) =>
        Link(session, Repositories.Ensure(session, repository, nowMs), BlobRows.Ensure(session, blob, nowMs), nowMs);

    /// <summary>Lets it have one that is stored for somebody else, whose bytes nobody looked at just now. Idempotent.</summary>
    /// <returns>False if there is none, or its bytes are in doubt.</returns>
    public static bool TryLinkStored(MetadataSession session, RepositoryKey repository, Digest digest, long nowMs)
    {
        const string Sql = "SELECT id FROM blobs WHERE digest = @digest AND verified_at > 0 AND stamp <> 0 AND deleting_at IS NULL";
        if (session.Prepare(Sql).Set("@digest", digest).QueryLong() is not { } blobId)
            return false;
        Link(session, Repositories.Ensure(session, repository, nowMs), blobId, nowMs);
        return true;
    }

    /// <summary>Is it stored and right, and this repository only doesn't have it?</summary>
    public static bool IsStoredElsewhere(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        const string Sql = """
            SELECT 1 FROM blobs b WHERE b.digest = @digest AND b.verified_at > 0 AND b.stamp <> 0 AND b.deleting_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM links l JOIN repositories r ON r.id = l.repository_id
                WHERE l.blob_id = b.id AND r.registry_id = @registry AND r.name = @repository)
            """;
        return session.Prepare(Sql).Set("@digest", digest).Set(repository).QueryLong() is not null;
    }

    /// <summary>Repositories of caches that have the bytes, as a blob or a manifest.</summary>
    public static IReadOnlyList<RepositoryKey> RepositoriesOf(MetadataSession session, Digest digest, int limit)
    {
        const string Sql = """
            SELECT r.registry_id, r.name FROM (
              SELECT l.repository_id AS id FROM blobs b JOIN links l ON l.blob_id = b.id WHERE b.digest = @digest
              UNION
              SELECT m.repository_id FROM blobs b JOIN manifests m ON m.blob_id = b.id WHERE b.digest = @digest) has
            JOIN repositories r ON r.id = has.id
            JOIN registries g ON g.id = r.registry_id
            WHERE g.kind = @cache
            ORDER BY r.registry_id, r.name
            LIMIT @limit
            """;
        var repositories = new List<RepositoryKey>();
        using var rows = session.Prepare(Sql).Set("@digest", digest).Set("@cache", (long)RegistryKind.Cache).Set("@limit", limit).Query();
        while (rows.Read())
            repositories.Add(new RepositoryKey((int)rows.Long(0), RepositoryName.Parse(rows.Text(1))));
        return repositories;
    }

    private static void Link(MetadataSession session, long repositoryId, long blobId, long nowMs)
    {
        const string Sql = """
            INSERT INTO links (repository_id, blob_id, created_at) VALUES (@repository, @blob, @now)
            ON CONFLICT (repository_id, blob_id) DO NOTHING
            """;
        session.Prepare(Sql).Set("@repository", repositoryId).Set("@blob", blobId).Set("@now", nowMs).Execute();
    }

    private static void RecordEdges(MetadataSession session, long manifestId, Manifest manifest)
    {
        session.Prepare("DELETE FROM soft_edges WHERE manifest_id = @manifest").Set("@manifest", manifestId).Execute();
        var add = session.Prepare("INSERT INTO soft_edges (manifest_id, digest, kind) VALUES (@manifest, @digest, @kind)").Set("@manifest", manifestId);
        foreach (var digest in manifest.Children.Select(child => child.Digest).Distinct())
            add.Set("@digest", digest).Set("@kind", (long)SoftEdgeKind.Child).Execute();
        // An index may list blobs, as build caches do. Of a type that nobody knows it is both, until it is fetched as one of them.
        var listed = manifest.Children.Where(child => !MediaTypes.IsManifest(child.MediaType));
        var blobs = manifest.Layers.Concat(manifest.NonDistributableLayers).Concat(listed).Concat(manifest.Config is { } config ? [config] : []);
        foreach (var digest in blobs.Select(blob => blob.Digest).Distinct())
            add.Set("@digest", digest).Set("@kind", (long)SoftEdgeKind.Blob).Execute();
    }
}

/// <summary>The stored values of <c>soft_edges.kind</c>.</summary>
internal enum SoftEdgeKind
{
    /// <summary>A layer that must not be pushed, of a hosted registry's manifest.</summary>
    NonDistributable = 1,

    /// <summary>A child, of a cache's index.</summary>
    Child = 2,

    /// <summary>A config or layer, of a cache's manifest.</summary>
    Blob = 3,
}
