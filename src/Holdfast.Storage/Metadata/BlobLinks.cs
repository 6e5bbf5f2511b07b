using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>Which repositories may see which blobs.</summary>
public static class BlobLinks
{
    public static VisibleBlob? Find(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        const string Sql = """
            SELECT b.size, b.stamp, b.verified_at, COALESCE(e.taken_at, 0) FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN links l ON l.repository_id = r.id AND l.blob_id = b.id
            LEFT JOIN leases e ON e.repository_id = r.id AND e.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository AND l.trashed_at IS NULL
            """;
        using var rows = session.Prepare(Sql).Set(repository).Set("@digest", digest).Query();
        return rows.Read() ? new VisibleBlob(digest, rows.Long(0), rows.Long(1), rows.Long(2), rows.Long(3)) : null;
    }

    /// <summary>
    /// Links a blob whose bytes are stored, and takes a lease for the manifest to come; the repository and the blob's row are added if they are
    /// new. Idempotent. Hold the digest's lock.
    /// </summary>
    public static void Add(MetadataSession session, RepositoryKey repository, StoredBlob blob, long nowMs)
    {
        var blobId = BlobRows.Ensure(session, blob, nowMs);
        Add(session, repository, blobId, new LinkedBlob(blob.Digest, blob.SizeBytes), nowMs);
    }

    /// <summary>Links a blob that another repository has (end-11), and takes a lease. No lock is needed: the other link holds the bytes.</summary>
    /// <returns>False if the other repository has it no longer; nothing was changed then.</returns>
    public static bool Mount(MetadataSession session, RepositoryKey source, RepositoryKey target, Digest digest, long nowMs)
    {
        if (Find(session, source, digest) is not { } blob)
            return false;
        Add(session, target, BlobRows.Find(session, digest)!.Value, new LinkedBlob(digest, blob.SizeBytes), nowMs);
        return true;
    }

    /// <summary>Takes a blob out of one repository (dist-spec v1.1.1, end-10) and into the trash.</summary>
    /// <returns>Held, with the manifests that refer to it, if any do that are not in the trash themselves (P3).</returns>
    public static DeleteResult Remove(MetadataSession session, RepositoryKey repository, Digest digest, Deletion deletion, long nowMs)
    {
        const string FindLink = """
            SELECT r.id, b.id FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN links l ON l.repository_id = r.id AND l.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository AND l.trashed_at IS NULL
            """;
        long repositoryId, blobId;
        using (var rows = session.Prepare(FindLink).Set(repository).Set("@digest", digest).Query())
        {
            if (!rows.Read())
                return DeleteResult.Unknown;
            (repositoryId, blobId) = (rows.Long(0), rows.Long(1));
        }
        var held = HeldBy(session, repositoryId, blobId);
        if (held is not null)
            return held;
        Trash.AddLink(session, new Located<long>(repository, repositoryId, blobId), deletion, nowMs);
        return DeleteResult.Deleted;
    }

    /// <summary>Repositories of the registry that link the blob, the oldest first: where an automatic mount may find it.</summary>
    public static IReadOnlyList<RepositoryName> FindSources(MetadataSession session, int registry, Digest digest, int limit)
    {
        const string Sql = """
            SELECT r.name FROM blobs b
            JOIN links l ON l.blob_id = b.id
            JOIN repositories r ON r.id = l.repository_id
            WHERE b.digest = @digest AND r.registry_id = @registry AND l.trashed_at IS NULL
            ORDER BY l.repository_id
            LIMIT @limit
            """;
        var names = new List<RepositoryName>();
        using var rows = session.Prepare(Sql).Set("@digest", digest).Set("@registry", registry).Set("@limit", limit).Query();
        while (rows.Read())
            names.Add(RepositoryName.Parse(rows.Text(0)));
        return names;
    }

    internal static void Add(MetadataSession session, RepositoryKey repository, long blobId, LinkedBlob blob, long nowMs)
    {
        const string State = "SELECT CASE WHEN trashed_at IS NULL THEN 1 ELSE 2 END FROM links WHERE repository_id = @repository AND blob_id = @blob";
        const string Put = """
            INSERT INTO links (repository_id, blob_id, created_at) VALUES (@repository, @blob, @now)
            ON CONFLICT (repository_id, blob_id) DO UPDATE SET trashed_at = NULL
            """;
        var repositoryId = Repositories.Ensure(session, repository, nowMs);
        var state = session.Prepare(State).Set("@repository", repositoryId).Set("@blob", blobId).QueryLong();
        if (state != 1)
            session.Prepare(Put).Set("@repository", repositoryId).Set("@blob", blobId).Set("@now", nowMs).Execute();
        Leases.Take(session, repositoryId, blobId, nowMs);
        if (state == 1)
            return;
        if (state == 2)
            Trash.ForgetLink(session, repositoryId, blobId);
        Reviews.QueueLink(session, repositoryId, blobId, nowMs);
        session.Record(new JournalEvent(JournalOperation.Link, repository, blob.Digest, nowMs) { SizeBytes = blob.SizeBytes });
    }

    private static DeleteResult? HeldBy(MetadataSession session, long repositoryId, long blobId)
    {
        const string Count = """
            SELECT COUNT(DISTINCT e.manifest_id) FROM manifest_blobs e
            JOIN manifests m ON m.id = e.manifest_id AND m.trashed_at IS NULL
            WHERE e.repository_id = @repository AND e.blob_id = @blob
            """;
        const string Holders = """
            SELECT DISTINCT b.digest FROM manifest_blobs e
            JOIN manifests m ON m.id = e.manifest_id AND m.trashed_at IS NULL
            JOIN blobs b ON b.id = m.blob_id
            WHERE e.repository_id = @repository AND e.blob_id = @blob
            LIMIT @limit
            """;
        var count = session.Prepare(Count).Set("@repository", repositoryId).Set("@blob", blobId).QueryLong()!.Value;
        if (count == 0)
            return null;
        return DeleteResult.HeldBy(session.Prepare(Holders).Set("@repository", repositoryId).Set("@blob", blobId), count);
    }
}
