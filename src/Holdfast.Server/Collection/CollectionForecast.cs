using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Collection;

/// <summary>
/// What would be freed, without touching anything: what is in the trash and the queues is followed as a run would. Its cost, too, follows what waits and not what is
/// stored. Traffic goes on meanwhile, so the figures are those of about now.
/// </summary>
internal sealed class CollectionForecast
{
    private readonly MetadataSession _db;
    private readonly CollectionTimes _times;
    private readonly HashSet<long> _manifests = [];
    private readonly HashSet<(long Repository, long Blob)> _links = [];
    private readonly HashSet<long> _blobs = [];

    private CollectionForecast(MetadataSession db, CollectionTimes times) => (_db, _times) = (db, times);

    public long Manifests => _manifests.Count;

    public long Links => _links.Count;

    public long Blobs => _blobs.Count;

    public long Bytes { get; private set; }

    /// <summary>What would be gone if every period were over and nothing else happened.</summary>
    /// <param name="times">Whose leases count; they are good until their end.</param>
    public static CollectionForecast Whole(MetadataSession db, CollectionTimes times)
    {
        var forecast = new CollectionForecast(db, times);
        forecast.FollowManifests();
        forecast.FollowLinks();
        foreach (var blob in forecast.List("SELECT blob_id FROM blob_reviews"))
            forecast.TryBlob(blob);
        return forecast;
    }

    /// <summary>What a run would free now. What it takes from the trash begins its own grace, so that only blobs that are due are freed at once.</summary>
    public static CollectionForecast Now(MetadataSession db, CollectionTimes times)
    {
        if (times.Reviews is { GraceMs: 0 } && times.TrashDueMs >= times.Reviews.NowMs)
            return Whole(db, times);
        var forecast = new CollectionForecast(db, times);
        using var rows = db.Prepare("SELECT blob_id FROM blob_reviews WHERE queued_at <= @due").Set("@due", times.Reviews.DueMs).Query();
        var due = new List<long>();
        while (rows.Read())
            due.Add(rows.Long(0));
        foreach (var blob in due)
            forecast.TryBlob(blob);
        return forecast;
    }

    private void FollowManifests()
    {
        var waiting = new Queue<long>(List("SELECT manifest_id FROM manifest_reviews"));
        foreach (var trashed in List("SELECT manifest_id FROM trash WHERE kind = 2"))
            _manifests.Add(trashed);
        // A child is asked again each time that one of its indexes turns out to go.
        while (waiting.TryDequeue(out var manifest))
        {
            if (_manifests.Contains(manifest) || IsHeld(manifest))
                continue;
            _manifests.Add(manifest);
            foreach (var child in List("SELECT child_id FROM manifest_children WHERE manifest_id = @id", manifest))
                waiting.Enqueue(child);
        }
    }

    private bool IsHeld(long manifest)
    {
        const string Parents = """
            SELECT c.manifest_id FROM manifest_children c
            JOIN manifests p ON p.id = c.manifest_id AND p.trashed_at IS NULL
            WHERE c.child_id = @id
            """;
        return ManifestReviews.IsHeldOtherwise(_db, manifest) || List(Parents, manifest).Exists(parent => !_manifests.Contains(parent));
    }

    private void FollowLinks()
    {
        foreach (var link in Pairs("SELECT repository_id, blob_id FROM link_reviews", 0))
            TryLink(link);
        foreach (var link in Pairs("SELECT repository_id, blob_id FROM trash WHERE kind = 3", 0))
            TryLink(link);
        foreach (var manifest in _manifests)
        {
            foreach (var link in Pairs("SELECT repository_id, blob_id FROM manifest_blobs WHERE manifest_id = @id", manifest))
                TryLink(link);
        }
        foreach (var (_, blob) in _links)
            TryBlob(blob);
        foreach (var manifest in _manifests)
            TryBlob(List("SELECT blob_id FROM manifests WHERE id = @id", manifest)[0]);
    }

    private void TryLink((long Repository, long Blob) link)
    {
        const string Users = "SELECT manifest_id FROM manifest_blobs WHERE repository_id = @repository AND blob_id = @blob";
        const string Lease = "SELECT taken_at FROM leases WHERE repository_id = @repository AND blob_id = @blob";
        if (_links.Contains(link))
            return;
        var lease = _db.Prepare(Lease).Set("@repository", link.Repository).Set("@blob", link.Blob).QueryLong();
        if (lease is { } taken && _times.Reviews.LeaseEndMs(taken) > _times.Reviews.NowMs)
            return;
        using (var rows = _db.Prepare(Users).Set("@repository", link.Repository).Set("@blob", link.Blob).Query())
        {
            while (rows.Read())
            {
                if (!_manifests.Contains(rows.Long(0)))
                    return;
            }
        }
        _links.Add(link);
    }

    private void TryBlob(long blob)
    {
        if (_blobs.Contains(blob)
            || Pairs("SELECT repository_id, blob_id FROM links WHERE blob_id = @id", blob).Exists(link => !_links.Contains(link))
            || List("SELECT id FROM manifests WHERE blob_id = @id", blob).Exists(manifest => !_manifests.Contains(manifest)))
        {
            return;
        }
        if (_db.Prepare("SELECT size FROM blobs WHERE id = @id").Set("@id", blob).QueryLong() is not { } size)
            return;
        _blobs.Add(blob);
        Bytes += size;
    }

    private List<long> List(string sql, long? id = null)
    {
        var ids = new List<long>();
        using var rows = Set(_db.Prepare(sql), id).Query();
        while (rows.Read())
            ids.Add(rows.Long(0));
        return ids;
    }

    private List<(long, long)> Pairs(string sql, long id)
    {
        var pairs = new List<(long, long)>();
        using var rows = Set(_db.Prepare(sql), sql.Contains("@id", StringComparison.Ordinal) ? id : null).Query();
        while (rows.Read())
            pairs.Add((rows.Long(0), rows.Long(1)));
        return pairs;
    }

    private static Statement Set(Statement statement, long? id) => id is { } value ? statement.Set("@id", value) : statement;
}
