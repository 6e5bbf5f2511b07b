using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The manifests of a repository that name a subject.</summary>
public static class Referrers
{
    // What a descriptor takes beside its annotations, generously.
    private const int DescriptorBytes = 400;

    /// <summary>A page of the referrers API (dist-spec v1.1.1, end-12), in the order of their digests.</summary>
    /// <param name="artifactType">Only these; null for all.</param>
    /// <param name="last">The page begins after this digest; none for the first page.</param>
    /// <param name="limit">Rows and bytes; the page ends with the row that reaches either.</param>
    public static ReferrerPage List(
        MetadataSession session, RepositoryKey repository, Digest subject, string? artifactType, Digest last, PageLimit limit)
    {
        var ids = ListIds(session, repository, subject, artifactType, last, limit.Rows + 1L);
        var referrers = new List<ReferrerRow>();
        var bytes = 0L;
        foreach (var id in ids)
        {
            if (referrers.Count == limit.Rows || bytes >= limit.Bytes)
                return new ReferrerPage(referrers, HasMore: true);
            // Null if it was deleted since.
            if (Find(session, id) is not { } referrer)
                continue;
            referrers.Add(referrer);
            bytes += DescriptorBytes + (referrer.AnnotationsJson?.Length ?? 0);
        }
        return new ReferrerPage(referrers, HasMore: false);
    }

    // Without the annotations, each of which may be as large as a manifest: the database sorts all rows in memory.
    private static List<long> ListIds(
        MetadataSession session, RepositoryKey repository, Digest subject, string? artifactType, Digest last, long limit)
    {
        const string Sql = """
            SELECT m.id FROM repositories r
            JOIN manifests m ON m.repository_id = r.id AND m.subject = @subject
            JOIN blobs b ON b.id = m.blob_id
            WHERE r.registry_id = @registry AND r.name = @repository AND b.digest > @last
              AND m.trashed_at IS NULL
              AND (@artifactType = '' OR m.artifact_type = @artifactType)
            ORDER BY b.digest
            LIMIT @limit
            """;
        var ids = new List<long>();
        using var rows = session.Prepare(Sql).Set(repository)
            .Set("@subject", subject).Set("@last", last.IsNone ? [] : last.ToBytes())
            .Set("@artifactType", artifactType ?? "").Set("@limit", limit)
            .Query();
        while (rows.Read())
            ids.Add(rows.Long(0));
        return ids;
    }

    private static ReferrerRow? Find(MetadataSession session, long id)
    {
        const string Sql = """
            SELECT b.digest, m.media_type, b.size, m.artifact_type, m.annotations FROM manifests m
            JOIN blobs b ON b.id = m.blob_id
            WHERE m.id = @id
            """;
        using var rows = session.Prepare(Sql).Set("@id", id).Query();
        return rows.Read() ? new ReferrerRow(rows.Digest(0), rows.Text(1), rows.Long(2), rows.TextOrNull(3), rows.TextOrNull(4)) : null;
    }
}
