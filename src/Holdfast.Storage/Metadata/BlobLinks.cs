using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>Which repositories may see which blobs.</summary>
public static class BlobLinks
{
    public static LinkedBlob? Find(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        const string Sql = """
            SELECT b.size FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN links l ON l.repository_id = r.id AND l.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository
            """;
        return session.Prepare(Sql).Set(repository).Set("@digest", digest).QueryLong() is { } size ? new LinkedBlob(digest, size) : null;
    }

    /// <summary>Links a blob whose bytes are stored; the repository and the blob's row are added if they are new. Idempotent.</summary>
    public static void Add(MetadataSession session, RepositoryKey repository, Digest digest, long sizeBytes, long nowMs)
    {
        const string Sql = """
            INSERT INTO links (repository_id, blob_id, created_at) VALUES (@repository, @blob, @now)
            ON CONFLICT (repository_id, blob_id) DO NOTHING
            """;
        var repositoryId = Repositories.Ensure(session, repository, nowMs);
        var blobId = BlobRows.Ensure(session, digest, sizeBytes, nowMs);
        session.Prepare(Sql).Set("@repository", repositoryId).Set("@blob", blobId).Set("@now", nowMs).Execute();
    }

    /// <summary>Unlinks a blob from one repository (dist-spec v1.1.1, end-10); the bytes are left to the collection.</summary>
    /// <returns>Held, with the manifests that refer to it, if any do (P3).</returns>
    public static DeleteResult Remove(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        const string FindLink = """
            SELECT r.id, b.id FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN links l ON l.repository_id = r.id AND l.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository
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
        session.Prepare("DELETE FROM links WHERE repository_id = @repository AND blob_id = @blob")
            .Set("@repository", repositoryId).Set("@blob", blobId).Execute();
        return DeleteResult.Deleted;
    }

    /// <summary>Repositories of the registry that link the blob, the oldest first: where an automatic mount may find it.</summary>
    public static IReadOnlyList<RepositoryName> FindSources(MetadataSession session, int registry, Digest digest, int limit)
    {
        const string Sql = """
            SELECT r.name FROM blobs b
            JOIN links l ON l.blob_id = b.id
            JOIN repositories r ON r.id = l.repository_id
            WHERE b.digest = @digest AND r.registry_id = @registry
            ORDER BY l.repository_id
            LIMIT @limit
            """;
        var names = new List<RepositoryName>();
        using var rows = session.Prepare(Sql).Set("@digest", digest).Set("@registry", registry).Set("@limit", limit).Query();
        while (rows.Read())
            names.Add(RepositoryName.Parse(rows.Text(0)));
        return names;
    }

    private static DeleteResult? HeldBy(MetadataSession session, long repositoryId, long blobId)
    {
        const string Count = "SELECT COUNT(DISTINCT manifest_id) FROM manifest_blobs WHERE repository_id = @repository AND blob_id = @blob";
        const string Holders = """
            SELECT DISTINCT b.digest FROM manifest_blobs e
            JOIN manifests m ON m.id = e.manifest_id
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
