using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// What checks of stored bytes ask of and write into the rows of blobs. A row's <c>verified_at</c> and <c>stamp</c> go together: the bytes
/// with that stamp were right at that time. 0 for the first: they are in doubt, and come first in the walk. 0 for both: nothing was there.
/// <see cref="KnownWrong"/> for the first: the bytes with that stamp are wrong and could not be taken away, and stay known as that over a restart.
/// </summary>
public static class BlobChecks
{
    /// <summary>In place of a time. Behind the walk's start, so that each of its rounds looks at them again, before all others.</summary>
    public const long KnownWrong = -1;

    private const string Columns = """
        b.id, b.digest, b.size, b.stamp, b.verified_at, CASE WHEN EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id) THEN 1 ELSE 0 END
        """;

    /// <summary>A page of all blobs but those that the collection is removing.</summary>
    public static IReadOnlyList<KnownBlob> ListById(MetadataSession session, long afterId, int limit)
    {
        const string Sql = "SELECT " + Columns + """
             FROM blobs b
            WHERE b.id > @after AND b.deleting_at IS NULL
            ORDER BY b.id
            LIMIT @limit
            """;
        return Read(session.Prepare(Sql).Set("@after", afterId).Set("@limit", limit));
    }

    /// <summary>A page of the blobs that were not hashed since <paramref name="beforeMs"/>, those longest ago first.</summary>
    public static IReadOnlyList<KnownBlob> ListLeastVerified(MetadataSession session, WalkPosition after, long beforeMs, int limit)
    {
        const string Sql = "SELECT " + Columns + """
             FROM blobs b
            WHERE (b.verified_at, b.id) > (@at, @id) AND b.verified_at < @before AND b.deleting_at IS NULL
            ORDER BY b.verified_at, b.id
            LIMIT @limit
            """;
        return Read(session.Prepare(Sql)
            .Set("@at", after.VerifiedAtMs).Set("@id", after.Id).Set("@before", beforeMs).Set("@limit", limit));
    }

    /// <summary>What a repository needs: its links and its manifests, trashed ones too, each blob once.</summary>
    /// <remarks>Each page reads only its own rows of the two keys: asked for the whole set, every page would read all of it.</remarks>
    public static IReadOnlyList<KnownBlob> ListOf(MetadataSession session, RepositoryKey repository, long afterId, int limit)
    {
        const string Sql = "SELECT " + Columns + """
             FROM blobs b
            WHERE b.id IN (
              SELECT id FROM (
                SELECT l.blob_id AS id FROM repositories r
                JOIN links l ON l.repository_id = r.id AND l.blob_id > @after
                JOIN blobs x ON x.id = l.blob_id AND x.deleting_at IS NULL
                WHERE r.registry_id = @registry AND r.name = @repository
                ORDER BY l.blob_id
                LIMIT @limit) linked
              UNION
              SELECT id FROM (
                SELECT m.blob_id AS id FROM repositories r
                JOIN manifests m ON m.repository_id = r.id AND m.blob_id > @after
                JOIN blobs x ON x.id = m.blob_id AND x.deleting_at IS NULL
                WHERE r.registry_id = @registry AND r.name = @repository
                ORDER BY m.blob_id
                LIMIT @limit) put)
            ORDER BY b.id
            LIMIT @limit
            """;
        return Read(session.Prepare(Sql).Set(repository).Set("@after", afterId).Set("@limit", limit));
    }

    /// <returns>Null if there is no row, or the collection is removing the blob.</returns>
    public static KnownBlob? Find(MetadataSession session, Digest digest)
    {
        const string Sql = "SELECT " + Columns + " FROM blobs b WHERE b.digest = @digest AND b.deleting_at IS NULL";
        var found = Read(session.Prepare(Sql).Set("@digest", digest));
        return found.Count > 0 ? found[0] : null;
    }

    /// <returns>Those whose bytes are known to be wrong, and could not be taken away.</returns>
    public static IReadOnlySet<LinkedBlob> FindKnownWrong(MetadataSession session, IReadOnlyCollection<LinkedBlob> blobs)
    {
        const string Any = "SELECT 1 FROM blobs WHERE verified_at = @wrong LIMIT 1";
        const string One = "SELECT 1 FROM blobs WHERE digest = @digest AND verified_at = @wrong";
        return session.Prepare(Any).Set("@wrong", KnownWrong).QueryLong() is null
            ? new HashSet<LinkedBlob>()
            : blobs.Where(blob => session.Prepare(One).Set("@digest", blob.Digest).Set("@wrong", KnownWrong).QueryLong() is not null).ToHashSet();
    }

    /// <summary>Has the database a row for it, one that is going included?</summary>
    public static bool Exists(MetadataSession session, Digest digest) => BlobRows.Find(session, digest) is not null;

    /// <summary>All bytes were hashed and right: notes it, and ends what was open about the bytes.</summary>
    /// <param name="stampBefore">What the row said when the check began. Has a push replaced the bytes since, it knows better.</param>
    /// <param name="by">What found them right (<see cref="Incidents.Heal(MetadataSession, string, string, long)"/>).</param>
    public static IReadOnlyList<Incident> NoteRight(MetadataSession session, StoredBlob blob, long stampBefore, string by, long nowMs)
    {
        const string Sql = """
            UPDATE blobs SET verified_at = @now, stamp = @stamp
            WHERE digest = @digest AND size = @size AND stamp = @before AND deleting_at IS NULL
            """;
        var changed = session.Prepare(Sql)
            .Set("@digest", blob.Digest).Set("@size", blob.SizeBytes).Set("@stamp", blob.Stamp).Set("@before", stampBefore).Set("@now", nowMs).Execute();
        return changed == 0 ? [] : EndFindings(session, blob.Digest, by, nowMs);
    }

    /// <summary>The bytes are in doubt until they are hashed again.</summary>
    /// <param name="stamp">Of what is there now; 0: nothing.</param>
    /// <returns>False if the row is no longer what it was.</returns>
    public static bool NoteDoubt(MetadataSession session, KnownBlob blob, long stamp) => session
        .Prepare("UPDATE blobs SET verified_at = 0, stamp = @stamp WHERE id = @id AND stamp = @before")
        .Set("@id", blob.Id).Set("@stamp", stamp).Set("@before", blob.Stamp).Execute() > 0;

    /// <summary>The bytes with a stamp are wrong, and still there.</summary>
    /// <returns>False if the row is no longer what it was.</returns>
    public static bool NoteWrong(MetadataSession session, KnownBlob blob, long stamp) => session
        .Prepare("UPDATE blobs SET verified_at = @wrong, stamp = @stamp WHERE id = @id AND stamp = @before")
        .Set("@id", blob.Id).Set("@wrong", KnownWrong).Set("@stamp", stamp).Set("@before", blob.Stamp).Execute() > 0;

    /// <summary>A file that no row knew was hashed and right: a row, and a review that takes it after the grace unless a push uses it. Hold its lock.</summary>
    /// <returns>What it ended of what was open about it; null if there is a row by now.</returns>
    public static IReadOnlyList<Incident>? Adopt(MetadataSession session, StoredBlob blob, long nowMs)
    {
        if (BlobRows.Find(session, blob.Digest) is not null)
            return null;
        Reviews.QueueBlob(session, BlobRows.Ensure(session, blob, nowMs), nowMs);
        return EndFindings(session, blob.Digest, "check", nowMs);
    }

    /// <summary>Times that lie ahead say nothing about when: the clock was wrong then, or is now.</summary>
    /// <returns>How many were put into doubt.</returns>
    public static int DoubtFuture(MetadataSession session, long afterMs) =>
        session.Prepare("UPDATE blobs SET verified_at = 0 WHERE verified_at > @after").Set("@after", afterMs).Execute();

    public static VerifiedFigures Measure(MetadataSession session, long sinceMs)
    {
        const string Sql = """
            SELECT COUNT(*), COALESCE(SUM(size), 0),
              COUNT(CASE WHEN verified_at >= @since THEN 1 END), COALESCE(SUM(CASE WHEN verified_at >= @since THEN size END), 0)
            FROM blobs WHERE deleting_at IS NULL
            """;
        using var rows = session.Prepare(Sql).Set("@since", sinceMs).Query();
        rows.Read();
        return new VerifiedFigures(rows.Long(0), rows.Long(1), rows.Long(2), rows.Long(3), FindOldest(session));
    }

    /// <returns>When the blob was hashed whose last hash is the longest ago, those in doubt left out; 0 if there is none.</returns>
    public static long FindOldest(MetadataSession session) =>
        session.Prepare("SELECT verified_at FROM blobs WHERE verified_at > 0 ORDER BY verified_at LIMIT 1").QueryLong() ?? 0;

    public static long Count(MetadataSession session) => session.Prepare("SELECT COUNT(*) FROM blobs").QueryLong()!.Value;

    private static List<Incident> EndFindings(MetadataSession session, Digest digest, string by, long nowMs)
    {
        if (!Incidents.IsAnyOpen(session, digest.ToString()))
            return [];
        var healed = new List<Incident>();
        foreach (var kind in (ReadOnlySpan<IncidentKind>)
            [IncidentKind.BlobMissing, IncidentKind.BlobCorrupt, IncidentKind.ManifestCopy, IncidentKind.StoreUnreadable, IncidentKind.UnknownFile])
            healed.AddRange(Incidents.Heal(session, kind, digest.ToString(), by, nowMs));
        return healed;
    }

    private static List<KnownBlob> Read(Statement statement)
    {
        var blobs = new List<KnownBlob>();
        using var rows = statement.Query();
        while (rows.Read())
            blobs.Add(new KnownBlob(rows.Long(0), rows.Digest(1), rows.Long(2), rows.Long(3), rows.Long(4), rows.Long(5) == 1));
        return blobs;
    }
}

/// <summary>A blob's row as a check sees it.</summary>
/// <param name="IsManifest">Do repositories have it as a manifest, so that the database holds its bytes too?</param>
public readonly record struct KnownBlob(long Id, Digest Digest, long SizeBytes, long Stamp, long VerifiedAtMs, bool IsManifest);

/// <summary>Where a walk over all blobs, those longest not hashed first, stands.</summary>
public readonly record struct WalkPosition(long VerifiedAtMs, long Id)
{
    public static readonly WalkPosition Start = new(-1, 0);
}

/// <param name="OldestVerifiedAtMs">0: none was verified.</param>
public readonly record struct VerifiedFigures(long Blobs, long Bytes, long VerifiedBlobs, long VerifiedBytes, long OldestVerifiedAtMs);
