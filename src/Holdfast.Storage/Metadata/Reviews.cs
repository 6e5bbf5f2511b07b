namespace Holdfast.Storage.Metadata;

/// <summary>
/// The review queues: what may have lost its last holder. The statements that take a holder away queue what it held, so that the collection's work
/// follows the number of changes and not the size of the store. Queued again, a row starts its grace again.
/// </summary>
public static class Reviews
{
    internal static void QueueManifest(MetadataSession session, long manifestId, long nowMs)
    {
        const string Sql = """
            INSERT INTO manifest_reviews (manifest_id, queued_at, orphaned_at) VALUES (@manifest, @now, @now)
            ON CONFLICT (manifest_id) DO UPDATE SET queued_at = excluded.queued_at, orphaned_at = excluded.orphaned_at
            """;
        session.Prepare(Sql).Set("@manifest", manifestId).Set("@now", nowMs).Execute();
    }

    /// <summary>It was put again, or its last tag went to another manifest: from now on it stays although nothing refers to it.</summary>
    internal static void ForgetManifest(MetadataSession session, long manifestId) =>
        session.Prepare("DELETE FROM manifest_reviews WHERE manifest_id = @manifest").Set("@manifest", manifestId).Execute();

    internal static void QueueLink(MetadataSession session, long repositoryId, long blobId, long nowMs)
    {
        const string Sql = """
            INSERT INTO link_reviews (repository_id, blob_id, queued_at) VALUES (@repository, @blob, @now)
            ON CONFLICT (repository_id, blob_id) DO UPDATE SET queued_at = excluded.queued_at
            """;
        session.Prepare(Sql).Set("@repository", repositoryId).Set("@blob", blobId).Set("@now", nowMs).Execute();
    }

    internal static void QueueBlob(MetadataSession session, long blobId, long nowMs)
    {
        const string Sql = """
            INSERT INTO blob_reviews (blob_id, queued_at) VALUES (@blob, @now)
            ON CONFLICT (blob_id) DO UPDATE SET queued_at = excluded.queued_at
            """;
        session.Prepare(Sql).Set("@blob", blobId).Set("@now", nowMs).Execute();
    }

    /// <summary>The children of a manifest that no longer shows them.</summary>
    /// <param name="sinceMs">When the delete was that led to this; those that were pushed after it are left alone. Null: just now.</param>
    internal static void QueueChildrenOf(MetadataSession session, long manifestId, long? sinceMs, long nowMs)
    {
        const string Sql = """
            INSERT INTO manifest_reviews (manifest_id, queued_at, orphaned_at)
            SELECT c.child_id, @now, @orphaned FROM manifest_children c
            JOIN manifests m ON m.id = c.child_id
            WHERE c.manifest_id = @manifest AND m.pushed_at <= @pushed
            ON CONFLICT (manifest_id) DO UPDATE SET queued_at = excluded.queued_at,
              orphaned_at = CASE WHEN excluded.orphaned_at > manifest_reviews.orphaned_at THEN excluded.orphaned_at ELSE manifest_reviews.orphaned_at END
            """;
        session.Prepare(Sql)
            .Set("@manifest", manifestId).Set("@now", nowMs).Set("@orphaned", sinceMs ?? nowMs).Set("@pushed", sinceMs ?? long.MaxValue).Execute();
    }

    /// <summary>
    /// Up to when the deletes were that may still reach a manifest which is put now, through the indexes above it: null if all of them are
    /// before now. Not so rare: two requests have the same millisecond, or the clock was set back.
    /// </summary>
    internal static long? FindLaterDeleteAbove(MetadataSession session, long manifestId, long nowMs)
    {
        const string Any = "SELECT 1 FROM manifest_reviews WHERE orphaned_at >= @now LIMIT 1";
        const string Above = """
            WITH RECURSIVE above (id) AS (
              SELECT c.manifest_id FROM manifest_children c WHERE c.child_id = @manifest
              UNION
              SELECT c.manifest_id FROM above a JOIN manifest_children c ON c.child_id = a.id)
            SELECT v.orphaned_at FROM above a
            JOIN manifest_reviews v ON v.manifest_id = a.id AND v.orphaned_at >= @now
            ORDER BY v.orphaned_at DESC
            LIMIT 1
            """;
        return session.Prepare(Any).Set("@now", nowMs).QueryLong() is null
            ? null
            : session.Prepare(Above).Set("@manifest", manifestId).Set("@now", nowMs).QueryLong();
    }

    /// <summary>Lists it something that a delete has taken, or may yet take? What such a delete reaches later is told from what came after it by the date of the push.</summary>
    internal static bool IsBelowDeleted(MetadataSession session, long manifestId)
    {
        const string Sql = """
            WITH RECURSIVE above (id) AS (
              SELECT c.manifest_id FROM manifest_children c WHERE c.child_id = @manifest
              UNION
              SELECT c.manifest_id FROM above a JOIN manifest_children c ON c.child_id = a.id)
            SELECT 1 FROM above a JOIN manifests m ON m.id = a.id
            WHERE m.trashed_at IS NOT NULL OR EXISTS (SELECT 1 FROM manifest_reviews v WHERE v.manifest_id = a.id)
            LIMIT 1
            """;
        return session.Prepare(Sql).Set("@manifest", manifestId).QueryLong() is not null;
    }

    /// <summary>The links of a manifest whose edges are about to go.</summary>
    internal static void QueueLinksOf(MetadataSession session, long manifestId, long nowMs)
    {
        const string Sql = """
            INSERT INTO link_reviews (repository_id, blob_id, queued_at)
            SELECT DISTINCT e.repository_id, e.blob_id, @now FROM manifest_blobs e WHERE e.manifest_id = @manifest
            ON CONFLICT (repository_id, blob_id) DO UPDATE SET queued_at = excluded.queued_at
            """;
        session.Prepare(Sql).Set("@manifest", manifestId).Set("@now", nowMs).Execute();
    }
}
