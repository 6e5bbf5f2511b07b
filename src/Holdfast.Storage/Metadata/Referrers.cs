using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The manifests of a repository that name a subject.</summary>
public static class Referrers
{
    // What a descriptor takes beside its annotations, generously.
    private const int DescriptorBytes = 400;

    // A page of the largest count sorts 2 MB at most. Annotations of signatures and attestations have a few hundred bytes.
    private const int MaxSortedBytes = 2_000;

    // The database sorts rows in memory, and what a client wrote may be as large as a manifest: of a row that is large it sorts the size alone. The
    // sizes are in the rows' heads, so that the texts aren't read for them.
    internal const string PageSql = """
        SELECT f.id, f.digest, f.size,
          CASE WHEN f.bytes <= @sorted THEN f.media_type END,
          CASE WHEN f.bytes <= @sorted THEN f.artifact_type END,
          CASE WHEN f.bytes <= @sorted THEN f.annotations END
        FROM (
          SELECT m.id, b.digest, b.size, m.media_type, m.artifact_type, m.annotations,
            octet_length(m.media_type) + COALESCE(octet_length(m.artifact_type), 0) + COALESCE(octet_length(m.annotations), 0) AS bytes
          FROM repositories r
          JOIN manifests m ON m.repository_id = r.id AND m.subject = @subject
          JOIN blobs b ON b.id = m.blob_id
          WHERE r.registry_id = @registry AND r.name = @repository AND b.digest > @last
            AND m.trashed_at IS NULL
            AND (@artifactType = '' OR m.artifact_type = @artifactType)
        ) f
        ORDER BY f.digest
        LIMIT @limit
        """;

    /// <summary>A page of the referrers API (dist-spec v1.1.1, end-12), in the order of their digests.</summary>
    /// <param name="artifactType">Only these; null for all.</param>
    /// <param name="last">The page begins after this digest; none for the first page.</param>
    /// <param name="limit">Rows and bytes; the page ends with the row that reaches either.</param>
    public static ReferrerPage List(
        MetadataSession session, RepositoryKey repository, Digest subject, string? artifactType, Digest last, PageLimit limit)
    {
        var referrers = new List<ReferrerRow>();
        var bytes = 0L;
        foreach (var (id, row) in Sort(session, repository, subject, artifactType, last, limit.Rows + 1L))
        {
            if (referrers.Count == limit.Rows || bytes >= limit.Bytes)
                return new ReferrerPage(referrers, HasMore: true);
            // Null if it was deleted since.
            if ((row.MediaType.Length > 0 ? row : FindLarge(session, id, row)) is not { } referrer)
                continue;
            referrers.Add(referrer);
            bytes += DescriptorBytes + (referrer.AnnotationsJson?.Length ?? 0);
        }
        return new ReferrerPage(referrers, HasMore: false);
    }

    // Of large rows without what makes them large, the media type too.
    private static List<(long Id, ReferrerRow Row)> Sort(
        MetadataSession session, RepositoryKey repository, Digest subject, string? artifactType, Digest last, long limit)
    {
        var sorted = new List<(long, ReferrerRow)>();
        using var rows = session.Prepare(PageSql).Set(repository)
            .Set("@subject", subject).Set("@last", last.IsNone ? [] : last.ToBytes())
            .Set("@artifactType", artifactType ?? "").Set("@sorted", MaxSortedBytes).Set("@limit", limit)
            .Query();
        while (rows.Read())
            sorted.Add((rows.Long(0), new ReferrerRow(rows.Digest(1), rows.TextOrNull(3) ?? "", rows.Long(2), rows.TextOrNull(4), rows.TextOrNull(5))));
        return sorted;
    }

    private static ReferrerRow? FindLarge(MetadataSession session, long id, ReferrerRow sorted)
    {
        const string Sql = "SELECT media_type, artifact_type, annotations FROM manifests WHERE id = @id";
        using var rows = session.Prepare(Sql).Set("@id", id).Query();
        return rows.Read() ? sorted with { MediaType = rows.Text(0), ArtifactType = rows.TextOrNull(1), AnnotationsJson = rows.TextOrNull(2) } : null;
    }
}
