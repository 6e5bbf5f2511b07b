using System.Runtime.InteropServices;
using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The manifests of a repository: their bytes, edges and tags.</summary>
public static class Manifests
{
    internal const string ByDigestSql = """
        SELECT b.digest, m.media_type, b.size FROM repositories r
        JOIN blobs b ON b.digest = @digest
        JOIN manifests m ON m.repository_id = r.id AND m.blob_id = b.id
        WHERE r.registry_id = @registry AND r.name = @repository
        """;

    internal const string ByTagSql = """
        SELECT b.digest, m.media_type, b.size FROM repositories r
        JOIN tags t ON t.repository_id = r.id AND t.name = @tag
        JOIN manifests m ON m.id = t.manifest_id
        JOIN blobs b ON b.id = m.blob_id
        WHERE r.registry_id = @registry AND r.name = @repository
        """;

    public static StoredManifest? Find(MetadataSession session, RepositoryKey repository, Reference reference)
    {
        var statement = reference.IsDigest
            ? session.Prepare(ByDigestSql).Set("@digest", reference.Digest)
            : session.Prepare(ByTagSql).Set("@tag", reference.Tag.ToString());
        using var rows = statement.Set(repository).Query();
        return rows.Read() ? new StoredManifest(rows.Digest(0), rows.Text(1), rows.Long(2)) : null;
    }

    /// <returns>The bytes as pushed, or null if the database has none under that digest. The repository is not looked at.</returns>
    public static byte[]? ReadPayload(MetadataSession session, Digest digest)
    {
        const string Sql = "SELECT p.payload FROM blobs b JOIN manifest_payloads p ON p.blob_id = b.id WHERE b.digest = @digest";
        using var rows = session.Prepare(Sql).Set("@digest", digest).Query();
        return rows.Read() ? rows.Bytes(0) : null;
    }

    /// <summary>Looks for every hard edge of a manifest inside the repository it is meant for (P2).</summary>
    public static ManifestClosure CheckClosure(MetadataSession session, RepositoryKey repository, Manifest manifest) =>
        ManifestEdges.Resolve(session, repository, manifest).Result;

    /// <summary>
    /// Stores a manifest with its edges and points the tags at it, if its closure is whole (P2); else changes nothing. Idempotent.
    /// </summary>
    public static ManifestClosure Put(MetadataSession session, ManifestPut put, long nowMs)
    {
        var edges = ManifestEdges.Resolve(session, put.Repository, put.Manifest);
        if (!edges.Result.IsWhole)
            return edges.Result;
        var repositoryId = Repositories.Ensure(session, put.Repository, nowMs);
        var blobId = BlobRows.Ensure(session, put.Digest, put.Payload.Length, nowMs);
        PutPayload(session, blobId, put.Payload);
        var manifestId = PutRow(session, repositoryId, blobId, put.Manifest, nowMs, out var changed);
        if (changed)
            edges.Record(session, repositoryId, manifestId);
        foreach (var tag in put.Tags)
            Tags.Put(session, repositoryId, tag, manifestId, nowMs);
        return ManifestClosure.Whole;
    }

    /// <summary>Deletes a manifest and the tags on it (dist-spec v1.1.1, end-9); the bytes are left to the collection.</summary>
    /// <returns>Held, with the indexes that list it, if any do (P3).</returns>
    public static DeleteResult Delete(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        if (FindId(session, repository, digest) is not { } id)
            return DeleteResult.Unknown;
        const string Count = "SELECT COUNT(*) FROM manifest_children WHERE child_id = @id";
        const string Holders = """
            SELECT b.digest FROM manifest_children c
            JOIN manifests m ON m.id = c.manifest_id
            JOIN blobs b ON b.id = m.blob_id
            WHERE c.child_id = @id
            LIMIT @limit
            """;
        var count = session.Prepare(Count).Set("@id", id).QueryLong()!.Value;
        if (count > 0)
            return DeleteResult.HeldBy(session.Prepare(Holders).Set("@id", id), count);
        session.Prepare("DELETE FROM tags WHERE manifest_id = @id").Set("@id", id).Execute();
        session.Prepare("DELETE FROM manifests WHERE id = @id").Set("@id", id).Execute();
        return DeleteResult.Deleted;
    }

    internal static long? FindId(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        const string Sql = """
            SELECT m.id FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN manifests m ON m.repository_id = r.id AND m.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository
            """;
        return session.Prepare(Sql).Set(repository).Set("@digest", digest).QueryLong();
    }

    private static void PutPayload(MetadataSession session, long blobId, ReadOnlyMemory<byte> payload)
    {
        // A payload that differs can only be damaged, since the digest is the same: the push heals it.
        const string Sql = """
            INSERT INTO manifest_payloads (blob_id, payload) VALUES (@blob, @payload)
            ON CONFLICT (blob_id) DO UPDATE SET payload = excluded.payload WHERE manifest_payloads.payload <> excluded.payload
            """;
        const string Check = "SELECT b.size FROM blobs b JOIN manifest_payloads p ON p.blob_id = b.id WHERE b.id = @blob AND length(p.payload) = b.size";
        session.Prepare(Sql).Set("@blob", blobId).Set("@payload", AsArray(payload)).Execute();
        var stored = session.Prepare(Check).Set("@blob", blobId).QueryLong();
        if (stored != payload.Length)
            throw new InvalidOperationException($"a manifest of {payload.Length} bytes would be stored with another length (invariant)");
    }

    private static byte[] AsArray(ReadOnlyMemory<byte> payload) =>
        MemoryMarshal.TryGetArray(payload, out var segment) && segment.Offset == 0 && segment.Array!.Length == payload.Length
            ? segment.Array
            : payload.ToArray();

    // The same bytes pushed with another Content-Type have other edges, so that row is written anew.
    private static long PutRow(MetadataSession session, long repositoryId, long blobId, Manifest manifest, long nowMs, out bool changed)
    {
        const string Find = "SELECT id, media_type FROM manifests WHERE repository_id = @repository AND blob_id = @blob";
        changed = true;
        using (var rows = session.Prepare(Find).Set("@repository", repositoryId).Set("@blob", blobId).Query())
        {
            if (rows.Read() && string.Equals(rows.Text(1), manifest.MediaType, StringComparison.Ordinal))
            {
                changed = false;
                return rows.Long(0);
            }
        }
        const string Put = """
            INSERT INTO manifests (repository_id, blob_id, media_type, artifact_type, subject, annotations, created_at)
            VALUES (@repository, @blob, @mediaType, @artifactType, @subject, @annotations, @now)
            ON CONFLICT (repository_id, blob_id) DO UPDATE SET media_type = excluded.media_type, artifact_type = excluded.artifact_type,
              subject = excluded.subject, annotations = excluded.annotations
            RETURNING id
            """;
        return session.Prepare(Put)
            .Set("@repository", repositoryId).Set("@blob", blobId).Set("@mediaType", manifest.MediaType)
            .Set("@artifactType", manifest.ArtifactType).Set("@subject", manifest.Subject?.Digest.ToBytes())
            .Set("@annotations", manifest.AnnotationsJson).Set("@now", nowMs)
            .QueryLong()!.Value;
    }
}
