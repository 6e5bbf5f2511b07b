using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>What does not work without some bytes: the manifests that are or use them, all indexes above those, and their tags.</summary>
public static class Impact
{
    // A manifest has what it holds in its own repository; so the links lead to all that use a blob, whichever repositories they lie in.
    private const string Hits = """
        WITH RECURSIVE hit (id) AS (
          SELECT m.id FROM blobs b JOIN manifests m ON m.blob_id = b.id WHERE b.digest = @digest
          UNION
          SELECT e.manifest_id FROM blobs b
            JOIN links l ON l.blob_id = b.id
            JOIN manifest_blobs e ON e.repository_id = l.repository_id AND e.blob_id = l.blob_id
            WHERE b.digest = @digest
          UNION
          SELECT c.manifest_id FROM hit h JOIN manifest_children c ON c.child_id = h.id
        )

        """;

    /// <param name="limit">Of each list; the counts are of all.</param>
    public static ImpactRow Of(MetadataSession session, Digest digest, int limit)
    {
        const string CountManifests = Hits + """
            SELECT COUNT(CASE WHEN m.trashed_at IS NULL THEN 1 END), COUNT(m.trashed_at) FROM hit h JOIN manifests m ON m.id = h.id
            """;
        const string CountTags = Hits + "SELECT COUNT(*) FROM hit h JOIN tags t ON t.manifest_id = h.id";
        const string Tags = Hits + """
            SELECT g.name, r.name, t.name, b.digest FROM hit h
            JOIN tags t ON t.manifest_id = h.id
            JOIN repositories r ON r.id = t.repository_id
            JOIN registries g ON g.id = r.registry_id
            JOIN manifests m ON m.id = h.id
            JOIN blobs b ON b.id = m.blob_id
            ORDER BY g.name, r.name, t.name
            LIMIT @limit
            """;
        const string CountTrashed = Hits + "SELECT COUNT(*) FROM hit h JOIN trash t ON t.manifest_id = h.id AND t.tag IS NOT NULL";
        const string Trashed = Hits + """
            SELECT g.name, r.name, t.tag, b.digest FROM hit h
            JOIN trash t ON t.manifest_id = h.id AND t.tag IS NOT NULL
            JOIN repositories r ON r.id = t.repository_id
            JOIN registries g ON g.id = r.registry_id
            JOIN manifests m ON m.id = h.id
            JOIN blobs b ON b.id = m.blob_id
            ORDER BY g.name, r.name, t.tag, t.id
            LIMIT @limit
            """;
        using var manifests = session.Prepare(CountManifests).Set("@digest", digest).Query();
        manifests.Read();
        return new ImpactRow(Read(session.Prepare(Tags), digest, limit), session.Prepare(CountTags).Set("@digest", digest).QueryLong()!.Value)
        {
            TrashedTags = Read(session.Prepare(Trashed), digest, limit),
            TrashedTagCount = session.Prepare(CountTrashed).Set("@digest", digest).QueryLong()!.Value,
            ManifestCount = manifests.Long(0),
            TrashedManifestCount = manifests.Long(1),
        };
    }

    /// <summary>Repositories that have the bytes, as a blob or a manifest: those that show them first.</summary>
    public static IReadOnlyList<RepositoryName> RepositoriesOf(MetadataSession session, Digest digest, int limit)
    {
        const string Sql = """
            SELECT r.name FROM (
              SELECT l.repository_id AS id, CASE WHEN l.trashed_at IS NULL THEN 0 ELSE 1 END AS hidden FROM blobs b
                JOIN links l ON l.blob_id = b.id WHERE b.digest = @digest
              UNION ALL
              SELECT m.repository_id, CASE WHEN m.trashed_at IS NULL THEN 0 ELSE 1 END FROM blobs b
                JOIN manifests m ON m.blob_id = b.id WHERE b.digest = @digest) has
            JOIN repositories r ON r.id = has.id
            GROUP BY r.name
            ORDER BY MIN(has.hidden), r.name
            LIMIT @limit
            """;
        var names = new List<RepositoryName>();
        using var rows = session.Prepare(Sql).Set("@digest", digest).Set("@limit", limit).Query();
        while (rows.Read())
            names.Add(RepositoryName.Parse(rows.Text(0)));
        return names;
    }

    private static List<ImpactTag> Read(Statement statement, Digest digest, int limit)
    {
        var tags = new List<ImpactTag>();
        using var rows = statement.Set("@digest", digest).Set("@limit", limit).Query();
        while (rows.Read())
            tags.Add(new ImpactTag(rows.Text(0), RepositoryName.Parse(rows.Text(1)), Tag.Parse(rows.Text(2)), rows.Digest(3)));
        return tags;
    }
}

/// <param name="Tags">The first of them.</param>
/// <param name="TagCount">All that clients can pull by.</param>
public sealed record ImpactRow(IReadOnlyList<ImpactTag> Tags, long TagCount)
{
    /// <summary>Tags in the trash that could be restored.</summary>
    public IReadOnlyList<ImpactTag> TrashedTags { get; init; } = [];

    public long TrashedTagCount { get; init; }

    /// <summary>Tagged or not.</summary>
    public long ManifestCount { get; init; }

    public long TrashedManifestCount { get; init; }
}

/// <param name="Digest">Of the manifest that the tag points at.</param>
public sealed record ImpactTag(string Registry, RepositoryName Repository, Tag Tag, Digest Digest);
