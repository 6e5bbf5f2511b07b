using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The manifests of a repository that name a subject.</summary>
public static class Referrers
{
    /// <summary>A page of the referrers API (dist-spec v1.1.1, end-12), in the order of their digests.</summary>
    /// <param name="artifactType">Only these; null for all.</param>
    /// <param name="last">The page begins after this digest; none for the first page.</param>
    public static ReferrerPage List(MetadataSession session, RepositoryKey repository, Digest subject, string? artifactType, Digest last, int limit)
    {
        const string Sql = """
            SELECT b.digest, m.media_type, b.size, m.artifact_type, m.annotations FROM repositories r
            JOIN manifests m ON m.repository_id = r.id AND m.subject = @subject
            JOIN blobs b ON b.id = m.blob_id
            WHERE r.registry_id = @registry AND r.name = @repository AND b.digest > @last
              AND (@artifactType = '' OR m.artifact_type = @artifactType)
            ORDER BY b.digest
            LIMIT @limit
            """;
        var referrers = new List<ReferrerRow>();
        using var rows = session.Prepare(Sql).Set(repository)
            .Set("@subject", subject).Set("@last", last.IsNone ? [] : last.ToBytes())
            .Set("@artifactType", artifactType ?? "").Set("@limit", limit + 1L)
            .Query();
        while (rows.Read())
        {
            if (referrers.Count == limit)
                return new ReferrerPage(referrers, HasMore: true);
            referrers.Add(new ReferrerRow(rows.Digest(0), rows.Text(1), rows.Long(2), rows.TextOrNull(3), rows.TextOrNull(4)));
        }
        return new ReferrerPage(referrers, HasMore: false);
    }
}
