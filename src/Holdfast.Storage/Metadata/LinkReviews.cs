using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>Reviews of links that no manifest may need any more. A link that nothing uses has a review or a row in the trash, always.</summary>
public static class LinkReviews
{
    internal const string DueSql = """
        SELECT queued_at, repository_id, blob_id FROM link_reviews
        WHERE queued_at <= @due AND (queued_at, repository_id, blob_id) > (@at, @first, @second)
        ORDER BY queued_at, repository_id, blob_id
        LIMIT @limit
        """;

    // By any manifest, in the trash or not, and by its own row there: it can be restored.
    internal const string HeldSql = """
        SELECT 1 WHERE EXISTS (SELECT 1 FROM manifest_blobs e WHERE e.repository_id = @repository AND e.blob_id = @blob)
          OR EXISTS (SELECT 1 FROM trash t WHERE t.repository_id = @repository AND t.blob_id = @blob)
        """;

    public static IReadOnlyList<QueueRow> ListDue(MetadataSession session, long dueMs, QueueRow after, int limit) => session.Prepare(DueSql)
        .Set("@due", dueMs).Set("@at", after.AtMs).Set("@first", after.First).Set("@second", after.Second).Set("@limit", limit)
        .QueryQueue(hasSecond: true);

    /// <summary>Ends a due review: a link that nothing uses and nobody holds a lease on goes, and its blob is queued.</summary>
    /// <exception cref="System.Data.Common.DbException">The database refused, because something uses it all the same: a bug (P3).</exception>
    public static ReviewOutcome Judge(MetadataSession session, QueueRow row, ReviewTimes times)
    {
        const string Queued = "SELECT queued_at FROM link_reviews WHERE repository_id = @repository AND blob_id = @blob";
        const string Lease = "SELECT taken_at FROM leases WHERE repository_id = @repository AND blob_id = @blob";
        const string Drop = "DELETE FROM link_reviews WHERE repository_id = @repository AND blob_id = @blob";
        const string EndLease = "DELETE FROM leases WHERE repository_id = @repository AND blob_id = @blob";
        const string Remove = "DELETE FROM links WHERE repository_id = @repository AND blob_id = @blob";
        var (repository, blob) = (row.First, row.Second);
        if (session.Prepare(Queued).Set("@repository", repository).Set("@blob", blob).QueryLong() is not { } queued || queued > times.DueMs)
            return ReviewOutcome.Gone;
        var lease = session.Prepare(Lease).Set("@repository", repository).Set("@blob", blob).QueryLong();
        var isLeased = lease is { } taken && times.LeaseEndMs(taken) > times.NowMs;
        if (session.Prepare(HeldSql).Set("@repository", repository).Set("@blob", blob).QueryLong() is not null)
        {
            session.Prepare(Drop).Set("@repository", repository).Set("@blob", blob).Execute();
            if (lease is not null && !isLeased)
                session.Prepare(EndLease).Set("@repository", repository).Set("@blob", blob).Execute();
            return ReviewOutcome.Kept;
        }
        // What a lost manifest needs isn't known (P6). In an emergency everything is due, so that a row that moved would come up in the same run for ever.
        if (LostManifests.IsIn(session, repository))
        {
            if (times.DueMs <= times.NowMs)
                Postpone(session, row, queued, times.NowMs);
            return ReviewOutcome.Postponed;
        }
        if (isLeased)
        {
            Postpone(session, row, queued, times.QueuedForMs(times.LeaseEndMs(lease!.Value)));
            return ReviewOutcome.Postponed;
        }
        session.Prepare(EndLease).Set("@repository", repository).Set("@blob", blob).Execute();
        session.Prepare(Remove).Set("@repository", repository).Set("@blob", blob).Execute(); // Its review goes with it.
        Reviews.QueueBlob(session, blob, times.NowMs);
        session.Record(new JournalEvent(
            JournalOperation.PurgeLink, Repositories.KeyOf(session, repository), BlobRows.DigestOf(session, blob), times.NowMs));
        return ReviewOutcome.Collected;
    }

    private static void Postpone(MetadataSession session, QueueRow row, long queuedMs, long untilMs)
    {
        const string Sql = "UPDATE link_reviews SET queued_at = @at WHERE repository_id = @repository AND blob_id = @blob";
        if (queuedMs < untilMs)
            session.Prepare(Sql).Set("@repository", row.First).Set("@blob", row.Second).Set("@at", untilMs).Execute();
    }
}
