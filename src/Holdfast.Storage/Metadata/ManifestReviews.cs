using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// Reviews of manifests that a delete may have orphaned. Only deletes queue them: one that merely lost its tag to another push, or never had one,
/// isn't queued and stays, since somebody may have deployed its digest.
/// </summary>
public static class ManifestReviews
{
    internal const string DueSql = """
        SELECT queued_at, manifest_id FROM manifest_reviews
        WHERE queued_at <= @due AND (queued_at, manifest_id) > (@at, @first)
        ORDER BY queued_at, manifest_id
        LIMIT @limit
        """;

    internal const string ListedSql = """
        SELECT 1 FROM manifest_children c
        JOIN manifests p ON p.id = c.manifest_id AND p.trashed_at IS NULL
        WHERE c.child_id = @manifest
        """;

    // A live tag, or a subject. Of a subject that this repository has no row of, it isn't known whether it is still to come, so the referrer stays;
    // one whose subject was deleted, too, goes.
    internal const string HeldSql = """
        SELECT 1 FROM manifests m WHERE m.id = @manifest AND (
          EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = m.id)
          OR (m.subject IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM blobs b
            JOIN manifests s ON s.blob_id = b.id AND s.repository_id = m.repository_id AND s.trashed_at IS NOT NULL
            WHERE b.digest = m.subject)))
        """;

    public static IReadOnlyList<QueueRow> ListDue(MetadataSession session, long dueMs, QueueRow after, int limit) =>
        session.Prepare(DueSql).Set("@due", dueMs).Set("@at", after.AtMs).Set("@first", after.First).Set("@limit", limit).QueryQueue();

    /// <summary>Ends a due review: what nothing live holds goes to the trash.</summary>
    public static ReviewOutcome Judge(MetadataSession session, QueueRow row, ReviewTimes times)
    {
        const string Queued = "SELECT queued_at, orphaned_at FROM manifest_reviews WHERE manifest_id = @manifest";
        const string State = "SELECT repository_id, trashed_at FROM manifests WHERE id = @manifest";
        var manifest = row.First;
        long queued, orphaned;
        using (var rows = session.Prepare(Queued).Set("@manifest", manifest).Query())
        {
            if (!rows.Read() || rows.Long(0) > times.DueMs)
                return ReviewOutcome.Gone;
            (queued, orphaned) = (rows.Long(0), rows.Long(1));
        }
        long repository;
        bool isTrashed;
        using (var rows = session.Prepare(State).Set("@manifest", manifest).Query())
        {
            rows.Read(); // The queue's foreign key leads to it.
            (repository, isTrashed) = (rows.Long(0), rows.LongOrNull(1) is not null);
        }
        var isHeld = isTrashed || session.Prepare(ListedSql).Set("@manifest", manifest).QueryLong() is not null || IsHeldOtherwise(session, manifest);
        // An index that is lost may list it, and nobody knows (P6).
        if (!isHeld && LostManifests.IsIn(session, repository))
        {
            session.Prepare("UPDATE manifest_reviews SET queued_at = @queued WHERE manifest_id = @manifest")
                .Set("@manifest", manifest).Set("@queued", times.DueMs <= times.NowMs ? times.NowMs : queued).Execute();
            return ReviewOutcome.Postponed;
        }
        Reviews.ForgetManifest(session, manifest);
        if (isHeld)
            return ReviewOutcome.Kept;
        // No two deletes take the same manifest in the same millisecond, so this names the operation without a source of ids.
        var deletion = new Deletion($"gc-{times.NowMs:x}-{manifest:x}", DeletionCause.Collection, "collection") { SinceMs = orphaned };
        Trash.AddManifest(session, new Located<long>(Repositories.KeyOf(session, repository), repository, manifest), deletion, times.NowMs);
        return ReviewOutcome.Collected;
    }

    /// <summary>Does anything live but an index hold it: a tag, or the subject that it refers to?</summary>
    public static bool IsHeldOtherwise(MetadataSession session, long manifestId) =>
        session.Prepare(HeldSql).Set("@manifest", manifestId).QueryLong() is not null;

    /// <summary>Starts the grace of a queued manifest again, for a client that is told that it is there and may be about to use it.</summary>
    /// <returns>False if the repository no longer has it: whoever wanted to say that it is there must not.</returns>
    public static bool Postpone(MetadataSession session, RepositoryKey repository, Oci.Digest digest, long nowMs)
    {
        const string Sql = "UPDATE manifest_reviews SET queued_at = @now WHERE manifest_id = @manifest";
        if (Manifests.FindId(session, repository, digest) is not { } manifest)
            return false;
        session.Prepare(Sql).Set("@manifest", manifest).Set("@now", nowMs).Execute();
        return true;
    }
}
