using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

public static partial class Trash
{
    /// <summary>A page of the trash, the newest first. Reads the whole table at worst: for people and their tools, not for requests.</summary>
    /// <param name="beforeId">The page begins below this id; <see cref="long.MaxValue"/> at the start.</param>
    public static TrashPage List(MetadataSession session, TrashFilter filter, long beforeId, int limit)
    {
        // The size is of all that the thing needs: a blob that several of them need counts in each.
        const string Sql = """
            SELECT t.id, t.kind, t.operation, g.name, r.registry_id, r.name, t.tag, b.digest, t.deleted_at, t.cause, t.actor, t.run,
              CASE WHEN t.kind = 3 THEN b.size ELSE b.size + (
                SELECT COALESCE(SUM(x.size), 0) FROM blobs x WHERE x.id IN (
                  WITH RECURSIVE below (id) AS (
                    SELECT t.manifest_id UNION SELECT c.child_id FROM manifest_children c JOIN below ON c.manifest_id = below.id)
                  SELECT e.blob_id FROM manifest_blobs e JOIN below ON e.manifest_id = below.id)) END
            FROM trash t
            JOIN repositories r ON r.id = t.repository_id
            JOIN registries g ON g.id = r.registry_id
            LEFT JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = COALESCE(t.blob_id, m.blob_id)
            WHERE t.id < @before
            """ + " AND " + Selected + " ORDER BY t.id DESC LIMIT @limit";
        var items = new List<TrashItem>();
        using var rows = Select(session, Sql, filter).Set("@before", beforeId).Set("@limit", limit + 1L).Query();
        while (rows.Read())
        {
            if (items.Count == limit)
                return new TrashPage(items, HasMore: true);
            items.Add(new TrashItem(
                rows.Long(0),
                (TrashKind)rows.Long(1),
                rows.Text(3),
                new RepositoryKey((int)rows.Long(4), RepositoryName.Parse(rows.Text(5))),
                rows.TextOrNull(6) is { } tag ? Tag.Parse(tag) : null,
                rows.Digest(7),
                rows.Long(12),
                rows.Long(8),
                new Deletion(rows.Text(2), (DeletionCause)rows.Long(9), rows.Text(10), rows.TextOrNull(11))));
        }
        return new TrashPage(items, HasMore: false);
    }

    /// <summary>The ids of all that the filter selects, the newest first: what a delete hid first comes after what it hid last.</summary>
    public static IReadOnlyList<long> ListIds(MetadataSession session, TrashFilter filter)
    {
        const string Sql = """
            SELECT t.id FROM trash t
            JOIN repositories r ON r.id = t.repository_id
            JOIN registries g ON g.id = r.registry_id
            LEFT JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = COALESCE(t.blob_id, m.blob_id)
            WHERE
            """ + " " + Selected + " ORDER BY t.id DESC";
        var ids = new List<long>();
        using var rows = Select(session, Sql, filter).Query();
        while (rows.Read())
            ids.Add(rows.Long(0));
        return ids;
    }

    /// <summary>How much there is, and how many bytes nothing but the trash holds. As much work as there is in the trash.</summary>
    public static TrashFigures Measure(MetadataSession session)
    {
        const string Count = "SELECT COUNT(*) FROM trash";
        const string Bytes = """
            SELECT COALESCE(SUM(b.size), 0) FROM blobs b
            WHERE b.id IN (
                SELECT e.blob_id FROM trash t JOIN manifest_blobs e ON e.manifest_id = t.manifest_id WHERE t.kind = 2
                UNION SELECT m.blob_id FROM trash t JOIN manifests m ON m.id = t.manifest_id WHERE t.kind = 2
                UNION SELECT t.blob_id FROM trash t WHERE t.kind = 3)
              AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id AND m.trashed_at IS NULL)
              AND NOT EXISTS (
                SELECT 1 FROM links l
                JOIN manifest_blobs e ON e.repository_id = l.repository_id AND e.blob_id = l.blob_id
                JOIN manifests m ON m.id = e.manifest_id AND m.trashed_at IS NULL
                WHERE l.blob_id = b.id)
            """;
        return new TrashFigures(session.Prepare(Count).QueryLong()!.Value, session.Prepare(Bytes).QueryLong()!.Value);
    }

    private const string Selected = """
        (@id < 0 OR t.id = @id)
          AND (@operation IS NULL OR t.operation = @operation)
          AND (@run IS NULL OR t.run = @run)
          AND (@registry IS NULL OR g.name = @registry)
          AND (@match = 0
            OR (@match = 1 AND r.name = @repository)
            OR (@match >= 2 AND substr(r.name, 1, length(@repository)) = @repository
              AND (@match = 3 OR substr(r.name, length(@repository) + 1) NOT LIKE '%/%')))
          AND (@tag = '' OR t.tag = @tag)
          AND (length(@digest) = 0 OR b.digest = @digest)
          AND t.deleted_at >= @since AND t.deleted_at < @until
          AND (@cause = 0 OR t.cause = @cause)
        """;

    private static Statement Select(MetadataSession session, string sql, TrashFilter filter) => session.Prepare(sql)
        .Set("@id", filter.Id ?? -1).Set("@operation", filter.Operation).Set("@run", filter.Run)
        .Set("@registry", filter.Registry).Set("@match", (long)filter.Repositories.Match).Set("@repository", filter.Repositories.Text)
        .Set("@tag", filter.Tag?.ToString() ?? "").Set("@digest", filter.Digest is { } digest ? digest.ToBytes() : [])
        .Set("@since", filter.SinceMs ?? long.MinValue).Set("@until", filter.UntilMs ?? long.MaxValue).Set("@cause", (long)(filter.Cause ?? 0));
}
