using Holdfast.Oci;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>Compares the edges that are recorded for a manifest with those that its bytes state.</summary>
public static class EdgeCheck
{
    /// <summary>The manifests that have these bytes: one for each repository that has them. Not those of caches: what they lack may be still to come.</summary>
    public static IReadOnlyList<ManifestPlace> ListPlaces(MetadataSession session, Digest digest)
    {
        const string Sql = """
            SELECT m.id, r.registry_id, r.name, m.media_type, CASE WHEN m.trashed_at IS NULL THEN 1 ELSE 0 END FROM blobs b
            JOIN manifests m ON m.blob_id = b.id
            JOIN repositories r ON r.id = m.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            WHERE b.digest = @digest
            ORDER BY m.id
            """;
        var places = new List<ManifestPlace>();
        using var rows = session.Prepare(Sql).Set("@digest", digest).Query();
        while (rows.Read())
        {
            var repository = new RepositoryKey((int)rows.Long(1), RepositoryName.Parse(rows.Text(2)));
            var type = rows.Text(3);
            places.Add(new ManifestPlace(rows.Long(0), repository, LostManifests.OriginalType(type), rows.Long(4) == 1, LostManifests.IsMarked(type)));
        }
        return places;
    }

    /// <returns>The digests whose edges are stated but not recorded, or recorded but not stated, or whose other end is not there.</returns>
    public static IReadOnlyList<Digest> Compare(MetadataSession session, ManifestPlace place, Manifest manifest)
    {
        var recorded = ReadRecorded(session, place.Id);
        recorded.SymmetricExceptWith(Stated(manifest));
        return [.. recorded.Select(edge => edge.Digest).Distinct().Order()];
    }

    /// <summary>Has every repository that has a manifest with these bytes all edges that they state?</summary>
    public static bool IsWhole(MetadataSession session, Digest digest, ReadOnlyMemory<byte> payload) => ListPlaces(session, digest).All(place =>
        !place.IsLost && ManifestParser.TryParse(payload, place.MediaType, out var manifest, out _) && Compare(session, place, manifest).Count == 0);

    /// <summary>Records the edges of a live manifest anew, if every one of them resolves (P2); else changes nothing.</summary>
    public static ManifestClosure Repair(MetadataSession session, ManifestPlace place, Manifest manifest, long nowMs)
    {
        var edges = ManifestEdges.Resolve(session, place.Repository, manifest);
        if (edges.Result.IsWhole)
            edges.Record(session, Repositories.Find(session, place.Repository)!.Value, place.Id, nowMs);
        return edges.Result;
    }

    // The joins let an edge count only if its other end is there: the foreign keys see to that, unless the file itself was damaged.
    private static HashSet<(Digest Digest, bool IsSoft)> ReadRecorded(MetadataSession session, long manifestId)
    {
        const string Sql = """
            SELECT b.digest, 0 FROM manifest_blobs e
            JOIN links l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id
            JOIN blobs b ON b.id = e.blob_id
            WHERE e.manifest_id = @manifest
            UNION
            SELECT b.digest, 0 FROM manifest_children c
            JOIN manifests m ON m.id = c.child_id
            JOIN blobs b ON b.id = m.blob_id
            WHERE c.manifest_id = @manifest
            UNION
            SELECT s.digest, 1 FROM soft_edges s WHERE s.manifest_id = @manifest AND s.kind = 1
            """;
        var edges = new HashSet<(Digest, bool)>();
        using var rows = session.Prepare(Sql).Set("@manifest", manifestId).Query();
        while (rows.Read())
            edges.Add((rows.Digest(0), rows.Long(1) == 1));
        return edges;
    }

    internal static IEnumerable<(Digest Digest, bool IsSoft)> Stated(Manifest manifest)
    {
        var hard = manifest.Layers.Concat(manifest.Children).Concat(manifest.Config is { } config ? [config] : []);
        return hard.Select(edge => (edge.Digest, false)).Concat(manifest.NonDistributableLayers.Select(layer => (layer.Digest, true)));
    }
}

/// <summary>A manifest's row.</summary>
/// <param name="IsLive">It is not in the trash.</param>
/// <param name="IsLost">Its edges were lost with the database, and are not known again (<see cref="LostManifests"/>).</param>
public sealed record ManifestPlace(long Id, RepositoryKey Repository, string MediaType, bool IsLive, bool IsLost);
