namespace Holdfast.Storage.Metadata;

/// <summary>What a store knows of its own time: the latest that it has seen, and where that has leapt.</summary>
public static class ClockRows
{
    /// <summary>What was noted is a minute old if the process was killed; so the latest dates are looked at too, where an index has them.</summary>
    /// <remarks>Reviews of links are left out: a lease puts them off into the future.</remarks>
    /// <returns>Null: nothing was ever dated.</returns>
    public static long? FindSeen(MetadataSession session)
    {
        const string Sql = """
            SELECT MAX(at) FROM (
              SELECT MAX(seen_at) AS at FROM clock
              UNION ALL SELECT MAX(deleted_at) FROM trash
              UNION ALL SELECT MAX(queued_at) FROM manifest_reviews
              UNION ALL SELECT MAX(queued_at) FROM blob_reviews
              UNION ALL SELECT MAX(started_at) FROM uploads) dates
            """;
        var latest = Latest(session, Sql);
        return FindNoted(session) is null ? Later(latest, FindLatestPush(session)) : latest;
    }

    /// <returns>What was noted last. Null: never.</returns>
    public static long? FindNoted(MetadataSession session) => session.Prepare("SELECT seen_at FROM clock WHERE id = 1").QueryLong();

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

    /// <summary>At a start: what a process dated by a clock that was ahead, and that was killed before it noted that, is of now. A review that comes too early does no harm.</summary>
    public static void TakeBack(MetadataSession session, long nowMs)
    {
        session.Prepare("UPDATE link_reviews SET queued_at = @now WHERE queued_at > @now").Set("@now", nowMs).Execute();
        session.Prepare("UPDATE leases SET taken_at = @now WHERE taken_at > @now").Set("@now", nowMs).Execute();
    }

    // For a store that has not noted its time: one of an earlier version, or made anew from its journal. It reads all manifests, once.
    private static long? FindLatestPush(MetadataSession session)
    {
        const string Sql = """
            SELECT MAX(at) FROM (
              SELECT MAX(pushed_at) AS at FROM manifests
              UNION ALL SELECT MAX(finished_at) FROM checks) dates
            """;
        return Latest(session, Sql);
    }

    private static long? Latest(MetadataSession session, string sql)
    {
        using var rows = session.Prepare(sql).Query();
        return rows.Read() ? rows.LongOrNull(0) : null;
    }

    private static long? Later(long? one, long? other) => one is null || other > one ? other : one;
}
