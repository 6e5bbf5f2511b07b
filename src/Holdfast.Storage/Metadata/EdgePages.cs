using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// Manifests with their bytes and their recorded edges, many with one query: what <see cref="EdgeCheck"/> says of one takes ten times as long. It only finds whom
/// to look at closely.
/// </summary>
public static class EdgePages
{
    // Written so that the order of the ids is that of the reading: a join with the registries could begin with those.
    private const string ManifestsSql = """
        SELECT m.id, m.media_type, p.payload, b.id, b.digest, b.size, b.stamp, b.verified_at,
          (SELECT g.kind FROM repositories r JOIN registries g ON g.id = r.registry_id WHERE r.id = m.repository_id)
        FROM manifests m
        JOIN blobs b ON b.id = m.blob_id
        LEFT JOIN manifest_payloads p ON p.blob_id = m.blob_id
        WHERE m.id > @after
        ORDER BY m.id
        LIMIT @limit
        """;

    // As in EdgeCheck, an edge counts only if its other end is there.
    private const string EdgesSql = """
        SELECT e.manifest_id, b.digest, 0 FROM manifest_blobs e
        JOIN links l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id
        JOIN blobs b ON b.id = e.blob_id
        WHERE e.manifest_id BETWEEN @first AND @last
        UNION ALL
        SELECT c.manifest_id, b.digest, 0 FROM manifest_children c
        JOIN manifests m ON m.id = c.child_id
        JOIN blobs b ON b.id = m.blob_id
        WHERE c.manifest_id BETWEEN @first AND @last
        UNION ALL
        SELECT s.manifest_id, s.digest, 1 FROM soft_edges s WHERE s.manifest_id BETWEEN @first AND @last AND s.kind = 1
        """;

    /// <summary>A page of all manifests, those in the trash included. Of caches none is named as differing: what it lacks may be still to come.</summary>
    public static EdgePage Read(MetadataSession session, long afterId, int limit)
    {
        var manifests = ReadManifests(session, afterId, limit);
        if (manifests.Count == 0)
            return new EdgePage(0, afterId, []);
        var last = manifests[^1].Id;
        var edges = ReadEdges(session, manifests[0].Id, last);
        return new EdgePage(manifests.Count, last, [.. manifests.Where(manifest => Differs(manifest, edges)).Select(static manifest => manifest.Blob)]);
    }

    private static bool Differs(Row row, Dictionary<long, HashSet<(Digest, bool)>> edges)
    {
        if (!row.IsHosted)
            return false;
        if (row.Payload is not { } payload || LostManifests.IsMarked(row.MediaType) || Digest.Compute(row.Blob.Digest.Algorithm, payload) != row.Blob.Digest)
            return true;
        if (!ManifestParser.TryParse(payload, row.MediaType, out var manifest, out _))
            return true;
        return !EdgeCheck.Stated(manifest).ToHashSet().SetEquals(edges.GetValueOrDefault(row.Id) ?? []);
    }

    private static List<Row> ReadManifests(MetadataSession session, long afterId, int limit)
    {
        var manifests = new List<Row>(limit);
        using var rows = session.Prepare(ManifestsSql).Set("@after", afterId).Set("@limit", limit).Query();
        while (rows.Read())
        {
            var blob = new KnownBlob(rows.Long(3), rows.Digest(4), rows.Long(5), rows.Long(6), rows.Long(7), IsManifest: true);
            manifests.Add(new Row(rows.Long(0), rows.Text(1), rows.BytesOrNull(2), blob, rows.Long(8) == (long)RegistryKind.Hosted));
        }
        return manifests;
    }

    private static Dictionary<long, HashSet<(Digest, bool)>> ReadEdges(MetadataSession session, long first, long last)
    {
        var edges = new Dictionary<long, HashSet<(Digest, bool)>>();
        using var rows = session.Prepare(EdgesSql).Set("@first", first).Set("@last", last).Query();
        while (rows.Read())
        {
            var id = rows.Long(0);
            if (!edges.TryGetValue(id, out var own))
                edges.Add(id, own = []);
            own.Add((rows.Digest(1), rows.Long(2) == 1));
        }
        return edges;
    }

    private readonly record struct Row(long Id, string MediaType, byte[]? Payload, KnownBlob Blob, bool IsHosted);
}

/// <param name="Count">Manifests looked at; 0: there are none left.</param>
/// <param name="LastId">The next page begins after it.</param>
/// <param name="Differing">Those whose copy of the bytes in the database is not right, or whose recorded edges are not those that it states.</param>
public sealed record EdgePage(int Count, long LastId, IReadOnlyList<KnownBlob> Differing);
