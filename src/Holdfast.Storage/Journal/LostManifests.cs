using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>
/// Manifests of which the journal tells and the blob store has no bytes. They get a row, so that their tags and the indexes over them come back,
/// but no edges. Their media type is marked, so that a push of the same bytes is seen as a change and records the edges.
/// </summary>
public static class LostManifests
{
    private const string Mark = "lost:";

    /// <summary>Manifests that are still lost.</summary>
    public static IReadOnlyList<LostManifest> List(MetadataSession session)
    {
        const string Sql = """
            SELECT m.id, g.name, r.registry_id, r.name, b.digest, m.media_type, m.pushed_at FROM manifests m
            JOIN repositories r ON r.id = m.repository_id
            JOIN registries g ON g.id = r.registry_id
            JOIN blobs b ON b.id = m.blob_id
            WHERE m.media_type >= 'lost:' AND m.media_type < 'lost;'
            ORDER BY m.id
            """;
        var lost = new List<LostManifest>();
        using (var rows = session.Prepare(Sql).Query())
        {
            while (rows.Read())
            {
                lost.Add(new LostManifest(rows.Text(1), new RepositoryKey((int)rows.Long(2), RepositoryName.Parse(rows.Text(3))), rows.Digest(4))
                {
                    Id = rows.Long(0),
                    MediaType = OriginalType(rows.Text(5)),
                    PushedAtMs = rows.Long(6),
                });
            }
        }
        return [.. lost.Select(manifest => manifest with { Tags = Metadata.Tags.Of(session, manifest.Id) })];
    }

    /// <summary>
    /// The bytes are there again, and were hashed: every row of theirs that is lost gets its media type and its edges, if all that it refers to is there (P2).
    /// Of one that doesn't get them an incident tells, until a push or a scrub finds the rest.
    /// </summary>
    /// <returns>How many are found.</returns>
    public static int Recover(MetadataSession session, Digest digest, ReadOnlyMemory<byte> payload, long nowMs)
    {
        var found = 0;
        foreach (var place in EdgeCheck.ListPlaces(session, digest).Where(place => place.IsLost))
        {
            if (TryRecover(session, place, payload, nowMs))
                found++;
            else if (!Incidents.IsOpen(session, IncidentKind.DanglingEdge, digest.ToString()))
            {
                Incidents.Open(
                    session, IncidentKind.DanglingEdge, digest.ToString(),
                    $"in {place.Repository.Name}, its bytes are there, but not all that it refers to; it is answered 404 until that is pushed again", nowMs);
            }
        }
        return found;
    }

    /// <inheritdoc cref="IsIn(MetadataSession, long)"/>
    public static bool IsIn(MetadataSession session, RepositoryKey repository) => Repositories.Find(session, repository) is { } id && IsIn(session, id);

    /// <summary>Does the repository have a manifest of which nobody knows what it needs?</summary>
    internal static bool IsIn(MetadataSession session, long repositoryId)
    {
        const string Sql = "SELECT 1 FROM manifests m WHERE m.repository_id = @repository AND m.media_type >= 'lost:' AND m.media_type < 'lost;' LIMIT 1";
        return session.Prepare(Sql).Set("@repository", repositoryId).QueryLong() is not null;
    }

    internal static bool IsMarked(string mediaType) => mediaType.StartsWith(Mark, StringComparison.Ordinal);

    internal static string OriginalType(string mediaType) => IsMarked(mediaType) ? mediaType[Mark.Length..] : mediaType;

    /// <summary>Puts the row of a manifest without its bytes. One that is there is only made live again.</summary>
    internal static void Put(MetadataSession session, JournalEvent put)
    {
        const string Sql = """
            INSERT INTO manifests (repository_id, blob_id, media_type, created_at, pushed_at, untagged_at)
            VALUES (@repository, @blob, @mediaType, @now, @now, @now)
            ON CONFLICT (repository_id, blob_id) DO UPDATE SET pushed_at = excluded.pushed_at, trashed_at = NULL,
              untagged_at = CASE WHEN manifests.untagged_at IS NULL THEN NULL ELSE excluded.untagged_at END
            RETURNING id
            """;
        var repositoryId = Repositories.Ensure(session, put.Repository, put.AtMs);
        var blobId = BlobRows.EnsureUnseen(session, put.Digest, put.SizeBytes, put.AtMs);
        var id = session.Prepare(Sql)
            .Set("@repository", repositoryId).Set("@blob", blobId).Set("@mediaType", Mark + put.MediaType).Set("@now", put.AtMs).QueryLong()!.Value;
        Trash.ForgetManifest(session, id);
    }

    private static bool TryRecover(MetadataSession session, ManifestPlace place, ReadOnlyMemory<byte> payload, long nowMs)
    {
        const string Sql = """
            UPDATE manifests SET media_type = @mediaType, artifact_type = @artifactType, subject = @subject, annotations = @annotations
            WHERE id = @manifest
            """;
        if (!ManifestParser.TryParse(payload, place.MediaType, out var manifest, out _) || !EdgeCheck.Repair(session, place, manifest, nowMs).IsWhole)
            return false;
        session.Prepare(Sql)
            .Set("@manifest", place.Id).Set("@mediaType", manifest.MediaType).Set("@artifactType", manifest.ArtifactType)
            .Set("@subject", manifest.Subject?.Digest.ToBytes()).Set("@annotations", manifest.AnnotationsJson).Execute();
        return true;
    }
}

/// <param name="Registry">Its registry's name.</param>
public sealed record LostManifest(string Registry, RepositoryKey Repository, Digest Digest)
{
    public IReadOnlyList<Tag> Tags { get; init; } = [];

    internal long Id { get; init; }

    internal string MediaType { get; init; } = "";

    internal long PushedAtMs { get; init; }
}
