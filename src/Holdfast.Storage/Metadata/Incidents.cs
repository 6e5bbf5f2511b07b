using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>Findings, from the first sight of them until they are healed (P8). At most one of a kind is open about an object.</summary>
/// <remarks><c>updated_at</c> is also the number of a change: no two are equal, and a later change has a larger one, whatever the clock does.</remarks>
public static class Incidents
{
    private const string Columns =
        "id, kind, object, detail, opened_at, updated_at, seen, acknowledged_at, acknowledged_by, healed_at, healed_by, tries, next_try_at, tried";

    /// <summary>Opens an incident, or notes that the open one was seen again.</summary>
    /// <param name="subject">What it is about: a digest where it has one.</param>
    /// <returns>The incident, and whether it is new.</returns>
    public static (Incident Incident, bool IsNew) Open(MetadataSession session, IncidentKind kind, string subject, string detail, long nowMs)
    {
        const string Sql = """
            INSERT INTO incidents (kind, object, detail, opened_at, updated_at, seen) VALUES (@kind, @object, @detail, @now, @change, 1)
            ON CONFLICT (object, kind) WHERE healed_at IS NULL
            DO UPDATE SET detail = excluded.detail, updated_at = excluded.updated_at, seen = incidents.seen + 1
            RETURNING id, seen
            """;
        long id;
        bool isNew;
        using (var rows = session.Prepare(Sql)
            .Set("@kind", kind.Name()).Set("@object", subject).Set("@detail", detail).Set("@now", nowMs).Set("@change", NextChange(session, nowMs)).Query())
        {
            rows.Read();
            (id, isNew) = (rows.Long(0), rows.Long(1) == 1);
        }
        return (Find(session, id)!, isNew);
    }

    /// <summary>Ends every open incident about an object.</summary>
    /// <param name="by">What healed it: push, database, donor …, check.</param>
    /// <returns>Those that were open.</returns>
    public static IReadOnlyList<Incident> Heal(MetadataSession session, string subject, string by, long nowMs) => Heal(
        session,
        session.Prepare("SELECT id FROM incidents WHERE object = @object AND healed_at IS NULL").Set("@object", subject),
        by,
        nowMs);

    /// <summary>Its bytes are right now: ends all about them. What a manifest refers to is another matter.</summary>
    /// <inheritdoc cref="Heal(MetadataSession, string, string, long)"/>
    public static IReadOnlyList<Incident> HealBytes(MetadataSession session, Digest digest, string by, long nowMs)
    {
        // Of a blob, the kind tells that the collection was refused, which whoever pushes it settles.
        const string Sql = """
            SELECT id FROM incidents WHERE object = @object AND healed_at IS NULL AND (kind <> 'dangling-edge'
              OR NOT EXISTS (SELECT 1 FROM blobs b JOIN manifests m ON m.blob_id = b.id WHERE b.digest = @digest))
            """;
        return Heal(session, session.Prepare(Sql).Set("@object", digest.ToString()).Set("@digest", digest), by, nowMs);
    }

    /// <summary>Ends the open incident of one kind about an object.</summary>
    public static IReadOnlyList<Incident> Heal(MetadataSession session, IncidentKind kind, string subject, string by, long nowMs) => Heal(
        session,
        session.Prepare("SELECT id FROM incidents WHERE object = @object AND kind = @kind AND healed_at IS NULL")
            .Set("@object", subject).Set("@kind", kind.Name()),
        by,
        nowMs);

    public static bool IsOpen(MetadataSession session, IncidentKind kind, string subject) => session
        .Prepare("SELECT id FROM incidents WHERE object = @object AND kind = @kind AND healed_at IS NULL")
        .Set("@object", subject).Set("@kind", kind.Name()).QueryLong() is not null;

    /// <summary>Is anything open about it, of whatever kind?</summary>
    public static bool IsAnyOpen(MetadataSession session, string subject) =>
        session.Prepare("SELECT id FROM incidents WHERE object = @object AND healed_at IS NULL LIMIT 1").Set("@object", subject).QueryLong() is not null;

    /// <summary>Somebody knows of it. Who was first stays.</summary>
    /// <returns>The incident as it is now; null if there is none of that id.</returns>
    public static Incident? Acknowledge(MetadataSession session, long id, string by, long nowMs)
    {
        const string Sql = """
            UPDATE incidents SET acknowledged_at = @now, acknowledged_by = @by, updated_at = @change
            WHERE id = @id AND acknowledged_at IS NULL AND healed_at IS NULL
            """;
        session.Prepare(Sql).Set("@id", id).Set("@by", by).Set("@now", nowMs).Set("@change", NextChange(session, nowMs)).Execute();
        return Find(session, id);
    }

    /// <summary>An attempt to heal it did not.</summary>
    /// <param name="tried">What it met, for people.</param>
    public static void NoteTry(MetadataSession session, long id, string tried, long nextTryAtMs, long nowMs)
    {
        const string Sql = """
            UPDATE incidents SET tries = tries + 1, tried = @tried, next_try_at = @next, updated_at = @change
            WHERE id = @id AND healed_at IS NULL
            """;
        session.Prepare(Sql).Set("@id", id).Set("@tried", tried).Set("@next", nextTryAtMs).Set("@change", NextChange(session, nowMs)).Execute();
    }

    /// <summary>Everything open may be tried at once again: there may be a new donor.</summary>
    public static int ResetTries(MetadataSession session) =>
        session.Prepare("UPDATE incidents SET next_try_at = 0 WHERE healed_at IS NULL AND next_try_at > 0").Execute();

    public static Incident? Find(MetadataSession session, long id)
    {
        var found = Read(session.Prepare("SELECT " + Columns + " FROM incidents WHERE id = @id").Set("@id", id));
        return found.Count > 0 ? found[0] : null;
    }

    /// <summary>Is anything known to be wrong with it?</summary>
    public static bool HasOpen(MetadataSession session, string subject) =>
        session.Prepare("SELECT 1 FROM incidents WHERE object = @object AND healed_at IS NULL LIMIT 1").Set("@object", subject).QueryLong() is not null;

    /// <summary>Forgets what was healed long ago, and of the rest all but the newest (P10).</summary>
    /// <returns>How many.</returns>
    public static int Prune(MetadataSession session, long healedBeforeMs, int keep)
    {
        const string Sql = """
            DELETE FROM incidents WHERE healed_at IS NOT NULL AND (healed_at < @before
              OR id <= (SELECT i.id FROM incidents i WHERE i.healed_at IS NOT NULL ORDER BY i.id DESC LIMIT 1 OFFSET @keep))
            """;
        return session.Prepare(Sql).Set("@before", healedBeforeMs).Set("@keep", keep).Execute();
    }

    /// <summary>Open incidents, the oldest first.</summary>
    public static IReadOnlyList<Incident> ListOpen(MetadataSession session, int limit) => Read(
        session.Prepare("SELECT " + Columns + " FROM incidents WHERE healed_at IS NULL ORDER BY id LIMIT @limit").Set("@limit", limit));

    /// <summary>A page of incidents, the newest first.</summary>
    public static IReadOnlyList<Incident> List(MetadataSession session, IncidentFilter filter, int limit)
    {
        const string Sql = "SELECT " + Columns + """
             FROM incidents
            WHERE id < @before AND opened_at >= @since AND (@kind = '' OR kind = @kind)
              AND (@state = 0 OR (@state = 1 AND healed_at IS NULL) OR (@state = 2 AND healed_at IS NOT NULL))
            ORDER BY id DESC
            LIMIT @limit
            """;
        return Read(session.Prepare(Sql)
            .Set("@before", filter.BeforeId).Set("@since", filter.SinceMs).Set("@kind", filter.Kind?.Name() ?? "")
            .Set("@state", (long)filter.State).Set("@limit", limit));
    }

    /// <summary>Open incidents whose bytes a donor may have (one about the store as a whole has none), whose next attempt is due; those that wait longest first.</summary>
    public static IReadOnlyList<Incident> ListDue(MetadataSession session, long nowMs, int limit)
    {
        const string Sql = "SELECT " + Columns + """
             FROM incidents
            WHERE healed_at IS NULL AND next_try_at <= @now AND kind IN ('blob-missing', 'blob-corrupt', 'manifest-missing', 'manifest-copy', 'store-unreadable')
              AND object <> 'blobs'
            ORDER BY next_try_at, id
            LIMIT @limit
            """;
        return Read(session.Prepare(Sql).Set("@now", nowMs).Set("@limit", limit));
    }

    /// <summary>What was opened, seen again, tried, acknowledged or healed after a change, in the order in which that was.</summary>
    /// <param name="after">The <see cref="Incident.UpdatedAtMs"/> of the last that is known.</param>
    public static IReadOnlyList<Incident> ListChanges(MetadataSession session, long after, int limit) => Read(
        session.Prepare("SELECT " + Columns + " FROM incidents WHERE updated_at > @after ORDER BY updated_at LIMIT @limit")
            .Set("@after", after).Set("@limit", limit));

    /// <returns>The number of the last change; 0 if there was none.</returns>
    public static long LastChange(MetadataSession session) =>
        session.Prepare("SELECT updated_at FROM incidents ORDER BY updated_at DESC LIMIT 1").QueryLong() ?? 0;

    /// <summary>How many are open of each kind; kinds without any are left out.</summary>
    public static IReadOnlyList<IncidentCount> CountOpen(MetadataSession session)
    {
        const string Sql = "SELECT kind, COUNT(*), COUNT(acknowledged_at) FROM incidents WHERE healed_at IS NULL GROUP BY kind";
        var counts = new List<IncidentCount>();
        using var rows = session.Prepare(Sql).Query();
        while (rows.Read())
            counts.Add(new IncidentCount(IncidentKinds.Parse(rows.Text(0)), rows.Long(1), rows.Long(2)));
        return counts;
    }

    private static long NextChange(MetadataSession session, long nowMs) => Math.Max(nowMs, LastChange(session) + 1);

    // Every push comes here, and most have nothing to end: they pay for one look into a small index.
    private static List<Incident> Heal(MetadataSession session, Statement open, string by, long nowMs)
    {
        const string Sql = "UPDATE incidents SET healed_at = @now, updated_at = @change, healed_by = @by WHERE id = @id RETURNING " + Columns;
        var ids = new List<long>();
        using (var rows = open.Query())
        {
            while (rows.Read())
                ids.Add(rows.Long(0));
        }
        var healed = new List<Incident>();
        foreach (var id in ids)
        {
            healed.AddRange(Read(session.Prepare(Sql)
                .Set("@id", id).Set("@by", by).Set("@now", nowMs).Set("@change", NextChange(session, nowMs))));
        }
        return healed;
    }

    private static List<Incident> Read(Statement statement)
    {
        var incidents = new List<Incident>();
        using var rows = statement.Query();
        while (rows.Read())
        {
            incidents.Add(new Incident(rows.Long(0), IncidentKinds.Parse(rows.Text(1)), rows.Text(2), rows.Text(3), rows.Long(4), rows.Long(5), rows.Long(6))
            {
                AcknowledgedAtMs = rows.LongOrNull(7),
                AcknowledgedBy = rows.TextOrNull(8),
                HealedAtMs = rows.LongOrNull(9),
                HealedBy = rows.TextOrNull(10),
                Tries = rows.Long(11),
                NextTryAtMs = rows.Long(12),
                Tried = rows.TextOrNull(13),
            });
        }
        return incidents;
    }
}
