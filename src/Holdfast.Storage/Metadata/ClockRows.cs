namespace Holdfast.Storage.Metadata;

/// <summary>What a store knows of its own time: the latest that it has seen, and where that has leapt.</summary>
public static class ClockRows
{
    /// <returns>Null: nothing was ever dated.</returns>
    public static long? FindSeen(MetadataSession session) =>
        session.Prepare("SELECT seen_at FROM clock WHERE id = 1").QueryLong() ?? FindLatestDate(session);

    public static ClockLeaps Leaps(MetadataSession session)
    {
        var leaps = new List<ClockLeap>();
        using var rows = session.Prepare("SELECT from_at, to_at FROM clock_leaps ORDER BY from_at").Query();
        while (rows.Read())
            leaps.Add(new ClockLeap(rows.Long(0), rows.Long(1)));
        return new ClockLeaps(leaps);
    }

    public static void Put(MetadataSession session, long seenAtMs, ClockLeaps leaps)
    {
        const string Seen = """
            INSERT INTO clock (id, seen_at) VALUES (1, @seen)
            ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
            """;
        const string Leap = "INSERT INTO clock_leaps (from_at, to_at) VALUES (@from, @to)";
        session.Prepare(Seen).Set("@seen", seenAtMs).Execute();
        if (Leaps(session).List.SequenceEqual(leaps.List))
            return;
        session.Prepare("DELETE FROM clock_leaps").Execute();
        foreach (var leap in leaps.List)
            session.Prepare(Leap).Set("@from", leap.FromMs).Set("@to", leap.ToMs).Execute();
    }

    /// <summary>The latest date of anything that ages, for a store that has not noted its time: one of an earlier version, or made anew from its journal.</summary>
    public static long? FindLatestDate(MetadataSession session)
    {
        const string Sql = """
            SELECT MAX(at) FROM (
              SELECT MAX(deleted_at) AS at FROM trash
              UNION ALL SELECT MAX(queued_at) FROM manifest_reviews
              UNION ALL SELECT MAX(queued_at) FROM link_reviews
              UNION ALL SELECT MAX(queued_at) FROM blob_reviews
              UNION ALL SELECT MAX(finished_at) FROM checks
              UNION ALL SELECT MAX(pushed_at) FROM manifests
              UNION ALL SELECT MAX(created_at) FROM links) dates
            """;
        using var rows = session.Prepare(Sql).Query();
        return rows.Read() ? rows.LongOrNull(0) : null;
    }
}
