using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>Claims on links: a client that was told that a blob is there may rely on it for a while (P3). Good for <c>collection.lease</c>.</summary>
public static class Leases
{
    /// <returns>False if the repository no longer has the blob: whoever wanted to say that it is there must not.</returns>
    public static bool Take(MetadataSession session, RepositoryKey repository, Digest digest, long nowMs)
    {
        const string Find = """
            SELECT l.repository_id, l.blob_id FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN links l ON l.repository_id = r.id AND l.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository AND l.trashed_at IS NULL
            """;
        long repositoryId, blobId;
        using (var rows = session.Prepare(Find).Set(repository).Set("@digest", digest).Query())
        {
            if (!rows.Read())
                return false;
            (repositoryId, blobId) = (rows.Long(0), rows.Long(1));
        }
        Take(session, repositoryId, blobId, nowMs);
        return true;
    }

    internal static void Take(MetadataSession session, long repositoryId, long blobId, long nowMs)
    {
        // A change that waited for its turn may be older than one that didn't.
        const string Sql = """
            INSERT INTO leases (repository_id, blob_id, taken_at) VALUES (@repository, @blob, @now)
            ON CONFLICT (repository_id, blob_id) DO UPDATE SET taken_at = excluded.taken_at WHERE excluded.taken_at > leases.taken_at
            """;
        session.Prepare(Sql).Set("@repository", repositoryId).Set("@blob", blobId).Set("@now", nowMs).Execute();
    }
}
