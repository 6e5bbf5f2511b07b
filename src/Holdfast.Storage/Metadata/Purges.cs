using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// The end of the trash: what is purged can't be restored any more, and what it held is reviewed. By age, and by whoever wants the room at once.
/// Each call is one step of one row, so that a purge of any size is many short changes.
/// </summary>
public static class Purges
{
    /// <summary>Rows of the trash that were deleted before a time, oldest first: a row's holders in the trash come before it.</summary>
    /// <param name="after">Goes on behind this row; default at the start. What a purge finds held stays, and is passed over by this.</param>
    public static IReadOnlyList<AgedTrash> ListAged(MetadataSession session, long beforeMs, AgedTrash after, int limit)
    {
        const string Sql = """
            SELECT id, deleted_at FROM trash
            WHERE deleted_at < @before AND (deleted_at, id) > (@afterTime, @afterId)
            ORDER BY deleted_at, id
            LIMIT @limit
            """;
        var aged = new List<AgedTrash>();
        using var rows = session.Prepare(Sql)
            .Set("@before", beforeMs).Set("@afterTime", after.DeletedAtMs).Set("@afterId", after.Id).Set("@limit", limit).Query();
        while (rows.Read())
            aged.Add(new AgedTrash(rows.Long(0), rows.Long(1)));
        return aged;
    }

    /// <returns>Null if the row isn't in the trash any more.</returns>
    public static TrashKind? KindOf(MetadataSession session, long trashId) => TrashRow.Find(session, trashId)?.Kind;

    /// <summary>Purges one row of the trash, whatever it is.</summary>
    public static PurgeOutcome Purge(MetadataSession session, long trashId, long nowMs)
    {
        if (TrashRow.Find(session, trashId) is not { } row)
            return PurgeOutcome.Unknown;
        return row.Kind switch
        {
            TrashKind.Tag => PurgeTag(session, row, nowMs),
            TrashKind.Manifest => PurgeManifest(session, row, nowMs),
            TrashKind.Link => PurgeLink(session, row, nowMs),
            _ => throw new InvalidOperationException($"the trash holds a row of kind {(long)row.Kind} (invariant)"),
        };
    }

    /// <summary>
    /// A trashed tag is gone. Its manifest isn't queued for it: that was done when the tag was deleted, and one that has lost a later tag to a retag since
    /// must stay.
    /// </summary>
    private static PurgeOutcome PurgeTag(MetadataSession session, TrashRow row, long nowMs)
    {
        Remove(session, row.Id);
        session.Record(new JournalEvent(JournalOperation.PurgeTag, row.Repository, Manifests.DigestOf(session, row.ManifestId), nowMs)
        {
            Tag = Tag.Parse(row.Tag!),
            Deletion = row.Deletion,
        });
        return PurgeOutcome.Purged;
    }

    /// <summary>
    /// A trashed manifest's row goes with its edges, and what they held is reviewed. Its bytes stay until the review of its blob. Children aren't queued:
    /// they were when it went into the trash, and one that was pushed again since must stay.
    /// </summary>
    private static PurgeOutcome PurgeManifest(MetadataSession session, TrashRow row, long nowMs)
    {
        const string Held = """
            SELECT 1 FROM manifests m WHERE m.id = @manifest AND (m.trashed_at IS NULL
              OR EXISTS (SELECT 1 FROM manifest_children c WHERE c.child_id = m.id)
              OR EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = m.id)
              OR EXISTS (SELECT 1 FROM trash t WHERE t.manifest_id = m.id AND t.kind = 1))
            """;
        const string BlobOf = "SELECT blob_id FROM manifests WHERE id = @manifest";
        // Other repositories' manifests of the same digest share the bytes.
        const string RemovePayload = """
            DELETE FROM manifest_payloads
            WHERE blob_id = @blob AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = manifest_payloads.blob_id)
            """;
        if (session.Prepare(Held).Set("@manifest", row.ManifestId).QueryLong() is not null)
            return PurgeOutcome.Held;
        var digest = Manifests.DigestOf(session, row.ManifestId);
        var blobId = session.Prepare(BlobOf).Set("@manifest", row.ManifestId).QueryLong()!.Value;
        Reviews.QueueLinksOf(session, row.ManifestId, nowMs);
        Reviews.QueueBlob(session, blobId, nowMs);
        Remove(session, row.Id);
        session.Prepare("DELETE FROM manifests WHERE id = @manifest").Set("@manifest", row.ManifestId).Execute();
        session.Prepare(RemovePayload).Set("@blob", blobId).Execute();
        session.Record(new JournalEvent(JournalOperation.PurgeManifest, row.Repository, digest, nowMs));
        return PurgeOutcome.Purged;
    }

    /// <summary>
    /// A trashed link's row goes. A lease on it protects nothing any more: since the delete nobody was told that the blob is there, and a manifest
    /// that wants it is refused until it is uploaded again.
    /// </summary>
    private static PurgeOutcome PurgeLink(MetadataSession session, TrashRow row, long nowMs)
    {
        const string Held = """
            SELECT 1 FROM links l WHERE l.repository_id = @repository AND l.blob_id = @blob AND (l.trashed_at IS NULL
              OR EXISTS (SELECT 1 FROM manifest_blobs e WHERE e.repository_id = l.repository_id AND e.blob_id = l.blob_id))
            """;
        if (session.Prepare(Held).Set("@repository", row.RepositoryId).Set("@blob", row.BlobId).QueryLong() is not null)
            return PurgeOutcome.Held;
        var digest = BlobRows.DigestOf(session, row.BlobId);
        Reviews.QueueBlob(session, row.BlobId, nowMs);
        Remove(session, row.Id);
        session.Prepare("DELETE FROM leases WHERE repository_id = @repository AND blob_id = @blob")
            .Set("@repository", row.RepositoryId).Set("@blob", row.BlobId).Execute();
        session.Prepare("DELETE FROM links WHERE repository_id = @repository AND blob_id = @blob")
            .Set("@repository", row.RepositoryId).Set("@blob", row.BlobId).Execute();
        session.Record(new JournalEvent(JournalOperation.PurgeLink, row.Repository, digest, nowMs));
        return PurgeOutcome.Purged;
    }

    private static void Remove(MetadataSession session, long trashId) =>
        session.Prepare("DELETE FROM trash WHERE id = @id").Set("@id", trashId).Execute();
}

public enum PurgeOutcome
{
    Purged,

    /// <summary>Something else that is live or in the trash needs it: a tag, an index, a manifest. It stays in the trash.</summary>
    Held,

    /// <summary>It isn't in the trash any more.</summary>
    Unknown,
}

/// <summary>A row of the trash by its age.</summary>
public readonly record struct AgedTrash(long Id, long DeletedAtMs);
