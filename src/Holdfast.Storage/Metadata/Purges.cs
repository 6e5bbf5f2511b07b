using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// The end of the trash: what was deleted long enough ago can no longer be restored. Only a manifest's row goes here, with its edges; what it held is
/// queued for review. Children are not queued: a trashed index doesn't show them, so they were reviewed when it went into the trash.
/// </summary>
public static class Purges
{
    internal const string DueSql = """
        SELECT deleted_at, id FROM trash
        WHERE deleted_at <= @due AND (deleted_at, id) > (@at, @first)
        ORDER BY deleted_at, id
        LIMIT @limit
        """;

    /// <summary>Rows that were deleted by <paramref name="dueMs"/>, the oldest first: a parent comes before the children that it holds.</summary>
    /// <param name="after">The last row of the page before; <see cref="QueueRow.Start"/> for the first page.</param>
    public static IReadOnlyList<QueueRow> ListDue(MetadataSession session, long dueMs, QueueRow after, int limit) =>
        session.Prepare(DueSql).Set("@due", dueMs).Set("@at", after.AtMs).Set("@first", after.First).Set("@limit", limit).QueryQueue();

    /// <summary>Ends one row of the trash, if nothing holds what it is about.</summary>
    /// <exception cref="System.Data.Common.DbException">The database refused, because something does all the same: a bug (P3).</exception>
    public static PurgeResult Purge(MetadataSession session, long trashId, long nowMs)
    {
        if (Find(session, trashId) is not { } row)
            return new PurgeResult(PurgeOutcome.Gone, default);
        switch (row.Kind)
        {
            case TrashKind.Tag:
                Remove(session, trashId);
                Record(session, row, JournalOperation.PurgeTag, nowMs);
                return new PurgeResult(PurgeOutcome.Purged, row.Kind);
            case TrashKind.Link:
                // The link itself goes after a review, since manifests in the trash may still need it.
                Remove(session, trashId);
                Record(session, row, JournalOperation.ForgetLink, nowMs);
                Reviews.QueueLink(session, row.RepositoryId, row.BlobId, nowMs);
                return new PurgeResult(PurgeOutcome.Purged, row.Kind);
            default:
                return new PurgeResult(PurgeManifest(session, row, nowMs), row.Kind);
        }
    }

    private static PurgeOutcome PurgeManifest(MetadataSession session, TrashRow row, long nowMs)
    {
        const string Held = """
            SELECT 1 FROM manifests m WHERE m.id = @manifest AND (
              m.trashed_at IS NULL
              OR EXISTS (SELECT 1 FROM manifest_children c WHERE c.child_id = m.id)
              OR EXISTS (SELECT 1 FROM trash t WHERE t.manifest_id = m.id AND t.id <> @trash))
            """;
        if (session.Prepare(Held).Set("@manifest", row.ManifestId).Set("@trash", row.Id).QueryLong() is not null)
            return PurgeOutcome.Held;
        Reviews.QueueLinksOf(session, row.ManifestId, nowMs);
        Reviews.QueueBlob(session, row.BlobId, nowMs);
        Remove(session, row.Id);
        session.Prepare("DELETE FROM manifests WHERE id = @manifest").Set("@manifest", row.ManifestId).Execute();
        Record(session, row, JournalOperation.PurgeManifest, nowMs);
        return PurgeOutcome.Purged;
    }

    private static void Remove(MetadataSession session, long trashId) =>
        session.Prepare("DELETE FROM trash WHERE id = @trash").Set("@trash", trashId).Execute();

    private static void Record(MetadataSession session, TrashRow row, JournalOperation operation, long nowMs) =>
        session.Record(new JournalEvent(operation, row.Repository, row.Digest, nowMs) { Tag = row.Tag, Deletion = row.Deletion });

    private static TrashRow? Find(MetadataSession session, long trashId)
    {
        const string Sql = """
            SELECT t.kind, t.repository_id, r.registry_id, r.name, t.manifest_id, b.id, b.digest, t.tag, t.operation, t.cause, t.actor, t.run
            FROM trash t
            JOIN repositories r ON r.id = t.repository_id
            LEFT JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = COALESCE(m.blob_id, t.blob_id)
            WHERE t.id = @trash
            """;
        using var rows = session.Prepare(Sql).Set("@trash", trashId).Query();
        if (!rows.Read())
            return null;
        return new TrashRow(trashId, (TrashKind)rows.Long(0), new RepositoryKey((int)rows.Long(2), RepositoryName.Parse(rows.Text(3))), rows.Digest(6))
        {
            RepositoryId = rows.Long(1),
            ManifestId = rows.LongOrNull(4) ?? 0,
            BlobId = rows.Long(5),
            Tag = rows.TextOrNull(7) is { } tag ? Tag.Parse(tag) : default,
            Deletion = new Deletion(rows.Text(8), (DeletionCause)rows.Long(9), rows.Text(10), rows.TextOrNull(11)),
        };
    }

    private sealed record TrashRow(long Id, TrashKind Kind, RepositoryKey Repository, Digest Digest)
    {
        public long RepositoryId { get; init; }

        public long ManifestId { get; init; }

        /// <summary>The link's, or the manifest's own.</summary>
        public long BlobId { get; init; }

        public Tag Tag { get; init; }

        public required Deletion Deletion { get; init; }
    }
}

public enum PurgeOutcome
{
    Purged,

    /// <summary>Something in the trash that went there later still needs it.</summary>
    Held,

    /// <summary>It was restored or purged meanwhile.</summary>
    Gone,
}

public readonly record struct PurgeResult(PurgeOutcome Outcome, TrashKind Kind);
