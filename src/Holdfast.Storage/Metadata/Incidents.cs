namespace Holdfast.Storage.Metadata;

/// <summary>Findings, from the first sight of them until they are healed (P8). At most one of a kind is open about an object.</summary>
public static class Incidents
{
    private const string Columns =
        "id, kind, object, detail, opened_at, updated_at, seen, acknowledged_at, acknowledged_by, healed_at, healed_by, tries, next_try_at";

    /// <summary>Opens an incident, or notes that the open one was seen again.</summary>
    /// <param name="subject">What it is about: a digest where it has one.</param>
    /// <returns>The incident, and whether it is new.</returns>
    public static (Incident Incident, bool IsNew) Open(MetadataSession session, IncidentKind kind, string subject, string detail, long nowMs)
    {
        const string Sql = """
            INSERT INTO incidents (kind, object, detail, opened_at, updated_at, seen) VALUES (@kind, @object, @detail, @now, @now, 1)
            ON CONFLICT (object, kind) WHERE healed_at IS NULL
            DO UPDATE SET detail = excluded.detail, updated_at = excluded.updated_at, seen = incidents.seen + 1
            RETURNING id, seen
            """;
        long id;
        bool isNew;
        using (var rows = session.Prepare(Sql)
            .Set("@kind", kind.Name()).Set("@object", subject).Set("@detail", detail).Set("@now", nowMs).Query())
        {
            rows.Read();
            (id, isNew) = (rows.Long(0), rows.Long(1) == 1);
        }
        return (Find(session, id)!, isNew);
    }

    /// <summary>Ends every open incident about an object.</summary>
    /// <param name="by">What healed it: push, database, donor …, check.</param>
    /// <returns>Those that were open.</returns>
    public static IReadOnlyList<Incident> Heal(MetadataSession session, string subject, string by, long nowMs)
    {
        const string Sql = "UPDATE incidents SET healed_at = @now, updated_at = @now, healed_by = @by WHERE object = @object AND healed_at IS NULL RETURNING " + Columns;
        return Read(session.Prepare(Sql).Set("@object", subject).Set("@by", by).Set("@now", nowMs));
    }

    /// <summary>Ends the open incident of one kind about an object.</summary>
    public static IReadOnlyList<Incident> Heal(MetadataSession session, IncidentKind kind, string subject, string by, long nowMs)
    {
        const string Sql = """
            UPDATE incidents SET healed_at = @now, updated_at = @now, healed_by = @by
            WHERE object = @object AND kind = @kind AND healed_at IS NULL RETURNING
            """ + " " + Columns;
        return Read(session.Prepare(Sql).Set("@object", subject).Set("@kind", kind.Name()).Set("@by", by).Set("@now", nowMs));
    }

    /// <returns>False if there is no such incident.</returns>
    public static bool Acknowledge(MetadataSession session, long id, string by, long nowMs) => session
        .Prepare("UPDATE incidents SET acknowledged_at = @now, acknowledged_by = @by WHERE id = @id")
        .Set("@id", id).Set("@by", by).Set("@now", nowMs).Execute() > 0;

    public static Incident? Find(MetadataSession session, long id)
    {
        var found = Read(session.Prepare("SELECT " + Columns + " FROM incidents WHERE id = @id").Set("@id", id));
        return found.Count > 0 ? found[0] : null;
    }

    /// <summary>Is anything known to be wrong with it?</summary>
    public static bool HasOpen(MetadataSession session, string subject) =>
        session.Prepare("SELECT 1 FROM incidents WHERE object = @object AND healed_at IS NULL LIMIT 1").Set("@object", subject).QueryLong() is not null;

    /// <summary>Open incidents, the oldest first.</summary>
    public static IReadOnlyList<Incident> ListOpen(MetadataSession session, int limit) => Read(
        session.Prepare("SELECT " + Columns + " FROM incidents WHERE healed_at IS NULL ORDER BY id LIMIT @limit").Set("@limit", limit));

    internal static IReadOnlyList<Incident> Read(Statement statement)
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
            });
        }
        return incidents;
    }
}

/// <param name="Subject">What it is about: a digest where it has one.</param>
/// <param name="Seen">How often it was found.</param>
public sealed record Incident(long Id, IncidentKind Kind, string Subject, string Detail, long OpenedAtMs, long UpdatedAtMs, long Seen)
{
    public long? AcknowledgedAtMs { get; init; }

    public string? AcknowledgedBy { get; init; }

    public long? HealedAtMs { get; init; }

    public string? HealedBy { get; init; }

    /// <summary>Attempts to heal it so far.</summary>
    public long Tries { get; init; }

    public long NextTryAtMs { get; init; }
}
