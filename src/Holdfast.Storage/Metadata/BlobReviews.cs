using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// Reviews of blobs that no repository may have any more, and the removal of one: marked and committed, then its file removed, then its row. Until
/// the row is gone a push takes the removal back, and a restart finishes it.
/// </summary>
public static class BlobReviews
{
    internal const string DueSql = """
        SELECT queued_at, blob_id FROM blob_reviews
        WHERE queued_at <= @due AND (queued_at, blob_id) > (@at, @first)
        ORDER BY queued_at, blob_id
        LIMIT @limit
        """;

    internal const string UnfinishedSql = """
        SELECT id, digest, size, deleting_at FROM blobs
        WHERE deleting_at IS NOT NULL AND (deleting_at, id) > (@at, @first)
        ORDER BY deleting_at, id
        LIMIT @limit
        """;

    internal const string HeldSql = """
        SELECT 1 WHERE EXISTS (SELECT 1 FROM links l WHERE l.blob_id = @blob) OR EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = @blob)
        """;

    public static IReadOnlyList<QueueRow> ListDue(MetadataSession session, long dueMs, QueueRow after, int limit) =>
        session.Prepare(DueSql).Set("@due", dueMs).Set("@at", after.AtMs).Set("@first", after.First).Set("@limit", limit).QueryQueue();

    /// <summary>Ends the due review of a blob that is held. One that isn't keeps its review until it is removed.</summary>
    /// <param name="blob">Set if nothing holds it.</param>
    public static ReviewOutcome Judge(MetadataSession session, QueueRow row, ReviewTimes times, out UnheldBlob blob)
    {
        const string Sql = """
            SELECT v.queued_at, b.digest, b.size FROM blob_reviews v
            JOIN blobs b ON b.id = v.blob_id
            WHERE v.blob_id = @blob
            """;
        blob = default;
        using (var rows = session.Prepare(Sql).Set("@blob", row.First).Query())
        {
            if (!rows.Read() || rows.Long(0) > times.DueMs)
                return ReviewOutcome.Gone;
            blob = new UnheldBlob(row.First, rows.Digest(1), rows.Long(2));
        }
        if (!IsHeld(session, row.First))
            return ReviewOutcome.Collected;
        Forget(session, row.First);
        return ReviewOutcome.Kept;
    }

    /// <summary>Removals that were begun and not finished, because of a crash or an unreadable store.</summary>
    /// <param name="after">The last of the page before.</param>
    public static IReadOnlyList<(UnheldBlob Blob, QueueRow Row)> ListUnfinished(MetadataSession session, QueueRow after, int limit)
    {
        var blobs = new List<(UnheldBlob, QueueRow)>();
        using var rows = session.Prepare(UnfinishedSql).Set("@at", after.AtMs).Set("@first", after.First).Set("@limit", limit).Query();
        while (rows.Read())
            blobs.Add((new UnheldBlob(rows.Long(0), rows.Digest(1), rows.Long(2)), new QueueRow(rows.Long(3), rows.Long(0), 0)));
        return blobs;
    }

    /// <summary>Marks a blob as being removed, if nothing holds it; else takes such a mark back. Hold its lock.</summary>
    /// <returns>May its file be removed, once this is committed?</returns>
    /// <exception cref="System.Data.Common.DbException">The database refused, because something holds it all the same: a bug (P3).</exception>
    public static bool TryBegin(MetadataSession session, UnheldBlob blob, long nowMs)
    {
        const string Mark = "UPDATE blobs SET deleting_at = COALESCE(deleting_at, @now) WHERE id = @blob AND digest = @digest";
        const string Unmark = "UPDATE blobs SET deleting_at = NULL WHERE id = @blob AND deleting_at IS NOT NULL";
        if (IsHeld(session, blob.Id))
        {
            Forget(session, blob.Id);
            session.Prepare(Unmark).Set("@blob", blob.Id).Execute();
            return false;
        }
        // Asked by trying: whatever refers to it by a foreign key, known here or not, refuses now and not when the file is gone (P3).
        session.Prepare("SAVEPOINT removal").Execute();
        Remove(session, blob.Id);
        session.Prepare("ROLLBACK TO removal").Execute();
        session.Prepare("RELEASE removal").Execute();
        return session.Prepare(Mark).Set("@blob", blob.Id).Set("@digest", blob.Digest).Set("@now", nowMs).Execute() == 1;
    }

    /// <summary>Removes the row of a blob whose file is gone. Hold its lock since the beginning.</summary>
    /// <returns>The incidents about it, which have ended with it.</returns>
    public static IReadOnlyList<Incident> Finish(MetadataSession session, UnheldBlob blob, long nowMs)
    {
        Remove(session, blob.Id);
        return Incidents.Heal(session, blob.Digest.ToString(), "collection", nowMs);
    }

    private static bool IsHeld(MetadataSession session, long blobId) => session.Prepare(HeldSql).Set("@blob", blobId).QueryLong() is not null;

    private static void Forget(MetadataSession session, long blobId) =>
        session.Prepare("DELETE FROM blob_reviews WHERE blob_id = @blob").Set("@blob", blobId).Execute();

    private static void Remove(MetadataSession session, long blobId)
    {
        session.Prepare("DELETE FROM manifest_payloads WHERE blob_id = @blob").Set("@blob", blobId).Execute();
        session.Prepare("DELETE FROM blobs WHERE id = @blob").Set("@blob", blobId).Execute();
    }
}

/// <summary>A blob that no link and no manifest refers to.</summary>
public readonly record struct UnheldBlob(long Id, Digest Digest, long SizeBytes);
