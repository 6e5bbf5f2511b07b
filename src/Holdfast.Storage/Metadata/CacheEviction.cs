using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>How much a cache holds, and letting go of what was used the longest ago: whole images, each a manifest that no other one lists, with all below it.</summary>
public static class CacheEviction
{
    internal const string ImagesSql = """
        WITH uses (id, used_at) AS (
            SELECT m.id, m.pulled_at FROM registries g JOIN repositories r ON r.registry_id = g.id JOIN manifests m ON m.repository_id = r.id WHERE g.kind = 2
            UNION ALL
            SELECT m.id, m.pushed_at FROM registries g JOIN repositories r ON r.registry_id = g.id JOIN manifests m ON m.repository_id = r.id WHERE g.kind = 2
            UNION ALL
            SELECT m.id, c.pulled_at FROM registries g
            JOIN repositories r ON r.registry_id = g.id
            JOIN manifests m ON m.repository_id = r.id
            JOIN soft_edges e ON e.manifest_id = m.id AND e.kind = 2
            JOIN blobs b ON b.digest = e.digest
            JOIN manifests c ON c.blob_id = b.id AND c.repository_id = m.repository_id
            WHERE g.kind = 2
        )
        SELECT m.id, r.registry_id, r.name, b.digest, u.used_at FROM (SELECT id, MAX(used_at) AS used_at FROM uses GROUP BY id) u
        JOIN manifests m ON m.id = u.id
        JOIN repositories r ON r.id = m.repository_id
        JOIN blobs b ON b.id = m.blob_id
        WHERE (@registry = 0 OR r.registry_id = @registry) AND NOT EXISTS (
            SELECT 1 FROM soft_edges e JOIN manifests p ON p.id = e.manifest_id
            WHERE e.digest = b.digest AND e.kind = 2 AND p.repository_id = m.repository_id)
        ORDER BY u.used_at, m.id
        LIMIT @limit OFFSET @offset
        """;

    private const string SizeSql = """
        SELECT COALESCE(SUM(size), 0) FROM (
            SELECT b.id, b.size FROM registries g
            JOIN repositories r ON r.registry_id = g.id
            JOIN links l ON l.repository_id = r.id
            JOIN blobs b ON b.id = l.blob_id
            WHERE g.kind = 2 AND (@registry = 0 OR g.id = @registry)
            UNION
            SELECT b.id, b.size FROM registries g
            JOIN repositories r ON r.registry_id = g.id
            JOIN manifests m ON m.repository_id = r.id
            JOIN blobs b ON b.id = m.blob_id
            WHERE g.kind = 2 AND (@registry = 0 OR g.id = @registry))
        """;

    // Of no manifest here: fetched by digest alone, or what an index of old was evicted from under.
    private const string LooseSql = """
        SELECT l.repository_id, l.blob_id, b.digest FROM registries g
        JOIN repositories r ON r.registry_id = g.id
        JOIN links l ON l.repository_id = r.id
        JOIN blobs b ON b.id = l.blob_id
        WHERE g.kind = 2 AND (@registry = 0 OR g.id = @registry) AND l.created_at < @before AND NOT EXISTS (
            SELECT 1 FROM soft_edges e JOIN manifests p ON p.id = e.manifest_id
            WHERE e.digest = b.digest AND e.kind = 3 AND p.repository_id = l.repository_id)
        ORDER BY l.created_at, l.blob_id
        LIMIT @limit
        """;

    /// <summary>Bytes of all blobs and manifests of a cache, each once; of all caches together for registry 0.</summary>
    public static long MeasureBytes(MetadataSession session, int registry) => session.Prepare(SizeSql).Set("@registry", registry).QueryLong() ?? 0;

    /// <summary>Images of a cache (0: of all), those first that were used the longest ago.</summary>
    public static IReadOnlyList<CachedImage> ListImages(MetadataSession session, int registry, int offset, int limit)
    {
        var images = new List<CachedImage>();
        using (var rows = session.Prepare(ImagesSql).Set("@registry", registry).Set("@offset", offset).Set("@limit", limit).Query())
        {
            while (rows.Read())
            {
                var repository = new RepositoryKey((int)rows.Long(1), RepositoryName.Parse(rows.Text(2)));
                images.Add(new CachedImage(rows.Long(0), repository, rows.Digest(3), rows.Long(4), []));
            }
        }
        return [.. images.Select(image => image with { Tags = Tags.Of(session, image.ManifestId) })];
    }

    /// <summary>
    /// Lets go of an image: its tags, its manifests that have no tag of their own and that nothing else lists, and the links that no manifest of the repository needs any more.
    /// </summary>
    /// <param name="isHeld">Is something reading or fetching it just now?</param>
    /// <param name="isPinned">Does it stay for the sake of its tags? They may be others than when it was listed.</param>
    /// <returns>The bytes of what nothing of the repository has any more, or null if something of it is held; nothing was changed then.</returns>
    public static long? EvictImage(MetadataSession session, CachedImage image, Func<Digest, bool> isHeld, Func<IReadOnlyList<Tag>, bool>? isPinned = null)
    {
        if (Repositories.Find(session, image.Repository) is not { } repositoryId || Manifests.FindId(session, image.Repository, image.Digest) != image.ManifestId)
            return 0;
        if (isPinned is not null && isPinned(Tags.Of(session, image.ManifestId)))
            return null;
        var below = Collect(session, repositoryId, image);
        var blobs = below.SelectMany(manifest => EdgesOf(session, manifest.Id, SoftEdgeKind.Blob)).Distinct().ToList();
        if (below.Exists(manifest => isHeld(manifest.Digest)) || blobs.Exists(digest => isHeld(digest)))
            return null;
        var freed = 0L;
        foreach (var (id, digest) in below)
        {
            var isRoot = id == image.ManifestId;
            if (isRoot || (Tags.Of(session, id).Count == 0 && !IsListed(session, repositoryId, digest)))
                freed += RemoveManifest(session, id);
        }
        foreach (var digest in blobs)
            freed += RemoveLink(session, repositoryId, digest);
        return freed;
    }

    /// <summary>Lets go of links that no manifest of their repository needs, and that are older than a time: the oldest first.</summary>
    /// <param name="wantedBytes">Once so many have gone, the others stay.</param>
    /// <returns>The bytes of those.</returns>
    public static long EvictLoose(MetadataSession session, int registry, long beforeMs, int limit, Func<Digest, bool> isHeld, long wantedBytes = long.MaxValue)
    {
        var loose = new List<(long Repository, Digest Digest)>();
        using (var rows = session.Prepare(LooseSql).Set("@registry", registry).Set("@before", beforeMs).Set("@limit", limit).Query())
        {
            while (rows.Read())
                loose.Add((rows.Long(0), rows.Digest(2)));
        }
        var freed = 0L;
        foreach (var link in loose.Where(link => !isHeld(link.Digest)).TakeWhile(_ => freed < wantedBytes))
            freed += RemoveLink(session, link.Repository, link.Digest);
        return freed;
    }

    // Parents before children, each once. No recursion: an upstream may nest its indexes as deep as it likes.
    private static List<(long Id, Digest Digest)> Collect(MetadataSession session, long repositoryId, CachedImage image)
    {
        const string Sql = """
            SELECT m.id FROM blobs b JOIN manifests m ON m.blob_id = b.id AND m.repository_id = @repository WHERE b.digest = @digest
            """;
        var (found, seen) = (new List<(long Id, Digest Digest)> { (image.ManifestId, image.Digest) }, new HashSet<long> { image.ManifestId });
        for (var i = 0; i < found.Count; i++)
        {
            foreach (var child in EdgesOf(session, found[i].Id, SoftEdgeKind.Child))
            {
                var id = session.Prepare(Sql).Set("@repository", repositoryId).Set("@digest", child).QueryLong();
                if (id is { } present && seen.Add(present))
                    found.Add((present, child));
            }
        }
        return found;
    }

    private static List<Digest> EdgesOf(MetadataSession session, long manifestId, SoftEdgeKind kind)
    {
        var digests = new List<Digest>();
        using var rows = session.Prepare("SELECT digest FROM soft_edges WHERE manifest_id = @manifest AND kind = @kind")
            .Set("@manifest", manifestId).Set("@kind", (long)kind).Query();
        while (rows.Read())
            digests.Add(rows.Digest(0));
        return digests;
    }

    private static bool IsListed(MetadataSession session, long repositoryId, Digest digest)
    {
        const string Sql = """
            SELECT 1 FROM soft_edges e JOIN manifests p ON p.id = e.manifest_id
            WHERE e.digest = @digest AND e.kind = 2 AND p.repository_id = @repository LIMIT 1
            """;
        return session.Prepare(Sql).Set("@digest", digest).Set("@repository", repositoryId).QueryLong() is not null;
    }

    private static long RemoveManifest(MetadataSession session, long manifestId)
    {
        long blobId, size;
        using (var rows = session.Prepare("SELECT b.id, b.size FROM manifests m JOIN blobs b ON b.id = m.blob_id WHERE m.id = @manifest").Set("@manifest", manifestId).Query())
        {
            if (!rows.Read())
                return 0;
            (blobId, size) = (rows.Long(0), rows.Long(1));
        }
        session.Prepare("DELETE FROM tags WHERE manifest_id = @manifest").Set("@manifest", manifestId).Execute();
        session.Prepare("DELETE FROM manifests WHERE id = @manifest").Set("@manifest", manifestId).Execute();
        QueueNow(session, blobId);
        return size;
    }

    private static long RemoveLink(MetadataSession session, long repositoryId, Digest digest)
    {
        const string Sql = """
            SELECT b.id, b.size FROM blobs b JOIN links l ON l.blob_id = b.id AND l.repository_id = @repository
            WHERE b.digest = @digest AND NOT EXISTS (
                SELECT 1 FROM soft_edges e JOIN manifests p ON p.id = e.manifest_id
                WHERE e.digest = b.digest AND e.kind = 3 AND p.repository_id = l.repository_id)
            """;
        long blobId, size;
        using (var rows = session.Prepare(Sql).Set("@repository", repositoryId).Set("@digest", digest).Query())
        {
            if (!rows.Read())
                return 0;
            (blobId, size) = (rows.Long(0), rows.Long(1));
        }
        session.Prepare("DELETE FROM links WHERE repository_id = @repository AND blob_id = @blob").Set("@repository", repositoryId).Set("@blob", blobId).Execute();
        QueueNow(session, blobId);
        return size;
    }

    // Due at once: the grace is for pushes that are about to use it, and the upstream still has it.
    private static void QueueNow(MetadataSession session, long blobId)
    {
        const string Sql = "INSERT INTO blob_reviews (blob_id, queued_at) VALUES (@blob, 0) ON CONFLICT (blob_id) DO UPDATE SET queued_at = 0";
        session.Prepare(Sql).Set("@blob", blobId).Execute();
    }
}

/// <summary>A manifest of a cache that no other one lists.</summary>
/// <param name="UsedMs">When it, or a child of it, was last pulled or fetched.</param>
public sealed record CachedImage(long ManifestId, RepositoryKey Repository, Digest Digest, long UsedMs, IReadOnlyList<Tag> Tags);
