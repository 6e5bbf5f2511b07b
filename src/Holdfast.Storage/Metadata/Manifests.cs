using System.Runtime.InteropServices;
using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>The manifests of a repository: their bytes, edges and tags.</summary>
public static class Manifests
{
    internal const string ByDigestSql = """
        SELECT b.digest, m.media_type, b.size, v.queued_at FROM repositories r
        JOIN blobs b ON b.digest = @digest
        JOIN manifests m ON m.repository_id = r.id AND m.blob_id = b.id
        LEFT JOIN manifest_reviews v ON v.manifest_id = m.id
        WHERE r.registry_id = @registry AND r.name = @repository AND m.trashed_at IS NULL
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
        return rows.Read()
            ? new StoredManifest(rows.Digest(0), rows.Text(1), rows.Long(2)) { ReviewQueuedAtMs = reference.IsDigest ? rows.LongOrNull(3) : null }
            : null;
    }

    /// <summary>Of all repositories, those in the trash included.</summary>
    public static long Count(MetadataSession session) => session.Prepare("SELECT COUNT(*) FROM manifests").QueryLong()!.Value;

    /// <returns>Null if the repository has it not, or in the trash.</returns>
    internal static long? FindPushedAt(MetadataSession session, RepositoryKey repository, Digest digest) => FindId(session, repository, digest) is { } id
        ? session.Prepare("SELECT pushed_at FROM manifests WHERE id = @id").Set("@id", id).QueryLong()
        : null;

    /// <returns>The bytes as pushed, or null if the database has none under that digest. The repository is not looked at.</returns>
    public static byte[]? ReadPayload(MetadataSession session, Digest digest)
    {
        const string Sql = "SELECT p.payload FROM blobs b JOIN manifest_payloads p ON p.blob_id = b.id WHERE b.digest = @digest";
        using var rows = session.Prepare(Sql).Set("@digest", digest).Query();
        return rows.Read() ? rows.Bytes(0) : null;
    }

    /// <summary>Writes the bytes of a manifest that is there anew: whoever calls this has hashed them.</summary>
    public static bool MendPayload(MetadataSession session, Digest digest, byte[] payload)
    {
        if (BlobRows.Find(session, digest) is not { } blobId)
            return false;
        PutPayload(session, blobId, payload);
        return true;
    }

    /// <summary>Looks for every hard edge of a manifest inside the repository it is meant for (P2).</summary>
    public static ManifestClosure CheckClosure(MetadataSession session, RepositoryKey repository, Manifest manifest) =>
        ManifestEdges.Resolve(session, repository, manifest).Result;

    /// <summary>
    /// Stores a manifest with its edges and points the tags at it, if its closure is whole (P2) and all of its tags may move to it; else changes nothing. Idempotent.
    /// </summary>
    public static ManifestClosure Put(MetadataSession session, ManifestPut put, long nowMs)
    {
        var edges = ManifestEdges.Resolve(session, put.Repository, put.Manifest);
        if (!edges.Result.IsWhole)
            return edges.Result;
        if (Tags.FindImmovable(session, put) is { Count: > 0 } immovable)
            return ManifestClosure.Whole with { ImmutableTags = immovable };
        var repositoryId = Repositories.Ensure(session, put.Repository, nowMs);
        var blobId = BlobRows.Ensure(session, new StoredBlob(put.Digest, put.Payload.Length, put.Stamp), nowMs);
        PutPayload(session, blobId, put.Payload);
        var times = new PutTimes(nowMs, Math.Min(put.PushedMs ?? nowMs, nowMs));
        var manifestId = PutRow(session, new Located<long>(put.Repository, repositoryId, blobId), put.Manifest, times, out var changed);
        if (changed || !edges.AreRecorded(session, manifestId))
            edges.Record(session, repositoryId, manifestId, nowMs);
        Trash.ForgetManifest(session, manifestId);
        Reviews.ForgetManifest(session, manifestId);
        NotePushedAfterDeletes(session, manifestId, times);
        session.Record(new JournalEvent(JournalOperation.Manifest, put.Repository, put.Digest, nowMs)
        {
            MediaType = put.Manifest.MediaType,
            SizeBytes = put.Payload.Length,
            PushedMs = put.PushedMs,
        });
        foreach (var tag in put.Tags)
            Tags.Put(session, new Located<Tag>(put.Repository, repositoryId, tag), manifestId, put.Digest, nowMs, put.PushedMs);
        return ManifestClosure.Whole;
    }

    /// <summary>Deletes a manifest and the tags on it into the trash (dist-spec v1.1.1, end-9).</summary>
    /// <returns>Held, with the indexes that list it, if any do that are not in the trash themselves (P3).</returns>
    public static DeleteResult Delete(MetadataSession session, RepositoryKey repository, Digest digest, Deletion deletion, long nowMs)
    {
        if (FindId(session, repository, digest) is not { } id)
            return DeleteResult.Unknown;
        const string Count = """
            SELECT COUNT(*) FROM manifest_children c
            JOIN manifests m ON m.id = c.manifest_id AND m.trashed_at IS NULL
            WHERE c.child_id = @id
            """;
        const string Holders = """
            SELECT b.digest FROM manifest_children c
            JOIN manifests m ON m.id = c.manifest_id AND m.trashed_at IS NULL
            JOIN blobs b ON b.id = m.blob_id
            WHERE c.child_id = @id
            LIMIT @limit
            """;
        var count = session.Prepare(Count).Set("@id", id).QueryLong()!.Value;
        if (count > 0)
            return DeleteResult.HeldBy(session.Prepare(Holders).Set("@id", id), count);
        var repositoryId = Repositories.Find(session, repository)!.Value;
        foreach (var tag in Tags.Of(session, id))
            Trash.AddTag(session, new Located<Tag>(repository, repositoryId, tag), deletion, nowMs);
        Trash.AddManifest(session, new Located<long>(repository, repositoryId, id), deletion, nowMs);
        return DeleteResult.Deleted;
    }

    internal static Digest DigestOf(MetadataSession session, long manifestId)
    {
        const string Sql = "SELECT b.digest FROM manifests m JOIN blobs b ON b.id = m.blob_id WHERE m.id = @manifest";
        using var rows = session.Prepare(Sql).Set("@manifest", manifestId).Query();
        return rows.Read() ? rows.Digest(0) : throw new InvalidOperationException($"no manifest has the row {manifestId} (invariant)");
    }

    /// <summary>A tag was taken from the manifest: from now on it has none, unless it has another.</summary>
    /// <returns>Has it none now?</returns>
    internal static bool NoteUntagged(MetadataSession session, long manifestId, long nowMs)
    {
        const string Sql = """
            UPDATE manifests SET untagged_at = @now
            WHERE id = @manifest AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = manifests.id)
            """;
        return session.Prepare(Sql).Set("@manifest", manifestId).Set("@now", nowMs).Execute() > 0;
    }

    internal static long? FindId(MetadataSession session, RepositoryKey repository, Digest digest)
    {
        const string Sql = """
            SELECT m.id FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN manifests m ON m.repository_id = r.id AND m.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository AND m.trashed_at IS NULL
            """;
        return session.Prepare(Sql).Set(repository).Set("@digest", digest).QueryLong();
    }

    internal static void PutPayload(MetadataSession session, long blobId, ReadOnlyMemory<byte> payload)
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

    // The same bytes pushed with another Content-Type have other edges, so that row is written anew. So is one from the trash: what was a child
    // may be there as a blob only by now.
    internal static long PutRow(MetadataSession session, Located<long> blob, Manifest manifest, PutTimes times, out bool changed)
    {
        const string Find = "SELECT id, media_type, trashed_at FROM manifests WHERE repository_id = @repository AND blob_id = @blob";
        using (var rows = session.Prepare(Find).Set("@repository", blob.RepositoryId).Set("@blob", blob.Item).Query())
        {
            changed = !rows.Read() || rows.LongOrNull(2) is not null || !string.Equals(rows.Text(1), manifest.MediaType, StringComparison.Ordinal);
            if (!changed)
                return PutAgain(session, rows.Long(0), times);
        }
        const string Put = """
            INSERT INTO manifests (repository_id, blob_id, media_type, artifact_type, subject, annotations, created_at, pushed_at, untagged_at)
            VALUES (@repository, @blob, @mediaType, @artifactType, @subject, @annotations, @pushed, @pushed, @now)
            ON CONFLICT (repository_id, blob_id) DO UPDATE SET media_type = excluded.media_type, artifact_type = excluded.artifact_type,
              subject = excluded.subject, annotations = excluded.annotations, pushed_at = excluded.pushed_at, trashed_at = NULL,
              untagged_at = CASE WHEN manifests.untagged_at IS NULL THEN NULL ELSE excluded.untagged_at END
            RETURNING id
            """;
        return session.Prepare(Put)
            .Set("@repository", blob.RepositoryId).Set("@blob", blob.Item).Set("@mediaType", manifest.MediaType)
            .Set("@artifactType", manifest.ArtifactType).Set("@subject", manifest.Subject?.Digest.ToBytes())
            .Set("@annotations", manifest.AnnotationsJson).Set("@pushed", times.PushedMs).Set("@now", times.NowMs)
            .QueryLong()!.Value;
    }

    // What a delete takes along by and by is told from what was pushed after it by their times, so those must tell which came first.
    private static void NotePushedAfterDeletes(MetadataSession session, long manifestId, PutTimes times)
    {
        const string Sql = "UPDATE manifests SET pushed_at = @after WHERE id = @manifest";
        if (times.PushedMs < times.NowMs && Reviews.IsBelowDeleted(session, manifestId))
            session.Prepare(Sql).Set("@manifest", manifestId).Set("@after", times.NowMs).Execute();
        if (Reviews.FindLaterDeleteAbove(session, manifestId, times.NowMs) is { } last)
            session.Prepare(Sql).Set("@manifest", manifestId).Set("@after", last + 1).Execute();
    }

    private static long PutAgain(MetadataSession session, long manifestId, PutTimes times)
    {
        // A push to another registry that was before one here changes nothing about that.
        const string Again = """
            UPDATE manifests SET pushed_at = CASE WHEN pushed_at > @pushed AND @pushed < @now THEN pushed_at ELSE @pushed END,
              untagged_at = CASE WHEN untagged_at IS NULL THEN NULL ELSE @now END
            WHERE id = @manifest
            """;
        session.Prepare(Again)
            .Set("@manifest", manifestId).Set("@now", times.NowMs).Set("@pushed", times.PushedMs).Execute();
        return manifestId;
    }
}

/// <param name="PushedMs">What it is dated by: now, or the push to the registry that it is imported from.</param>
internal readonly record struct PutTimes(long NowMs, long PushedMs);
