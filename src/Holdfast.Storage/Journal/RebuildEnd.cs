using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>What is looked at and set right when all changes are replayed.</summary>
internal sealed class RebuildEnd(MetadataSession session, IBlobStore blobs)
{
    private const int MaxNamed = 20;

    /// <summary>Linked blobs whose file isn't there, or has another size.</summary>
    public async Task<IReadOnlyList<MissingBlob>> FindMissingAsync(CancellationToken cancellationToken)
    {
        const string Sql = "SELECT b.digest, b.size FROM blobs b WHERE EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) ORDER BY b.id";
        var missing = new List<MissingBlob>();
        foreach (var (digest, size) in List(Sql))
        {
            var found = await blobs.FindStatusAsync(digest, cancellationToken);
            if (found?.SizeBytes != size)
                missing.Add(new MissingBlob(digest, size, found?.SizeBytes));
        }
        return missing;
    }

    /// <summary>Blobs that nothing uses any more and that have no file: the collection took them, which the journal doesn't tell.</summary>
    public async Task<IReadOnlyList<Digest>> FindUnusedAsync(CancellationToken cancellationToken)
    {
        const string Sql = """
            SELECT b.digest, b.size FROM blobs b
            WHERE NOT EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id)
            """;
        var unused = new List<Digest>();
        foreach (var (digest, _) in List(Sql))
        {
            if (await blobs.FindStatusAsync(digest, cancellationToken) is null)
                unused.Add(digest);
        }
        return unused;
    }

    /// <summary>Opens incidents for what is gone, and takes care that nothing is collected for reasons that the journal doesn't know.</summary>
    public void Settle(IReadOnlyList<MissingBlob> missing, IReadOnlyList<Digest> unused, IReadOnlyList<string> damage, long nowMs)
    {
        if (damage.Count > 0)
        {
            var detail = $"the database was rebuilt from a journal with lost lines: {string.Join("; ", damage.Take(MaxNamed))}";
            Incidents.Open(session, IncidentKind.Journal, "holdfast.db", detail, nowMs);
        }
        foreach (var digest in unused)
            Remove(digest);
        foreach (var blob in missing)
        {
            var detail = blob.FoundBytes is { } found ? $"the file has {Counted.Of(found, "byte")} instead of {blob.SizeBytes}" : "there is no file";
            Incidents.Open(session, IncidentKind.BlobMissing, blob.Digest.ToString(), detail + " (found while the database was rebuilt)", nowMs);
        }
        foreach (var lost in LostManifests.List(session))
        {
            var tags = lost.Tags.Count == 0 ? "" : $", tags {string.Join(", ", lost.Tags)}";
            var detail = $"its bytes are gone (found while the database was rebuilt): {lost.Registry}/{lost.Repository.Name}{tags}";
            Incidents.Open(session, IncidentKind.ManifestMissing, lost.Digest.ToString(), detail, nowMs);
        }
        Caution(session, nowMs);
    }

    /// <summary>Leases and pulls aren't written down. Unknown is not absent (P6): a grace begins again, and nothing counts as unpulled.</summary>
    public static void Caution(MetadataSession session, long nowMs)
    {
        // By a clock that is behind, a grace would begin long ago.
        var now = Math.Max(nowMs, ClockRows.FindSeen(session) ?? nowMs);
        foreach (var sql in Cautions)
            session.Prepare(sql).Set("@now", now).Execute();
    }

    private static readonly string[] Cautions =
    [
        """
        DELETE FROM link_reviews WHERE EXISTS (SELECT 1 FROM manifest_blobs e
          WHERE e.repository_id = link_reviews.repository_id AND e.blob_id = link_reviews.blob_id)
        """,
        """
        DELETE FROM leases WHERE EXISTS (SELECT 1 FROM manifest_blobs e
          WHERE e.repository_id = leases.repository_id AND e.blob_id = leases.blob_id)
        """,
        "UPDATE link_reviews SET queued_at = @now",
        "UPDATE manifest_reviews SET queued_at = @now",
        "UPDATE blob_reviews SET queued_at = @now",
        "UPDATE leases SET taken_at = @now",
        "UPDATE manifests SET pulled_at = @now",
    ];

    public RebuildReport Count() => new()
    {
        Repositories = Count("SELECT COUNT(*) FROM repositories"),
        Manifests = Count("SELECT COUNT(*) FROM manifests WHERE trashed_at IS NULL"),
        Tags = Count("SELECT COUNT(*) FROM tags"),
        Links = Count("SELECT COUNT(*) FROM links WHERE trashed_at IS NULL"),
        Trashed = Count("SELECT COUNT(*) FROM trash"),
    };

    /// <summary>Looks through the blobs for those that no row knows, and for manifests among them.</summary>
    public async Task<(long Blobs, long Manifests)> FindUnknownAsync(CancellationToken cancellationToken)
    {
        var (unknown, manifests) = (0L, 0L);
        await foreach (var name in blobs.ListAsync(null, cancellationToken))
        {
            if (name.Digest.IsNone || BlobRows.Find(session, name.Digest) is not null)
                continue;
            unknown++;
            if (name.SizeBytes <= Manifest.MaxSizeBytes && await ManifestPayloads.TryReadAsync(blobs, name.Digest, cancellationToken) is { } bytes
                && ManifestParser.TryParse(bytes.Payload, null, out _, out _))
                manifests++;
        }
        return (unknown, manifests);
    }

    private List<(Digest Digest, long SizeBytes)> List(string sql)
    {
        var found = new List<(Digest, long)>();
        using var rows = session.Prepare(sql).Query();
        while (rows.Read())
            found.Add((rows.Digest(0), rows.Long(1)));
        return found;
    }

    private void Remove(Digest digest)
    {
        const string RemovePayload = "DELETE FROM manifest_payloads WHERE blob_id = (SELECT id FROM blobs WHERE digest = @digest)";
        session.Prepare(RemovePayload).Set("@digest", digest).Execute();
        session.Prepare("DELETE FROM blobs WHERE digest = @digest").Set("@digest", digest).Execute();
    }

    private long Count(string sql) => session.Prepare(sql).QueryLong()!.Value;
}
