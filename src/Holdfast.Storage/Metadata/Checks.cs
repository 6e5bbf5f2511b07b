namespace Holdfast.Storage.Metadata;

/// <summary>When each check last ran, so that one that no longer does is noticed (P8), and where it stood, so that a restart goes on there.</summary>
public static class Checks
{
    public static CheckRow? Find(MetadataSession session, string name)
    {
        const string Sql = "SELECT name, started_at, finished_at, position, detail FROM checks WHERE name = @name";
        using var rows = session.Prepare(Sql).Set("@name", name).Query();
        return rows.Read() ? new CheckRow(rows.Text(0), rows.Long(1), rows.Long(2), rows.Text(3), rows.Text(4)) : null;
    }

    public static IReadOnlyList<CheckRow> List(MetadataSession session)
    {
        var checks = new List<CheckRow>();
        using var rows = session.Prepare("SELECT name, started_at, finished_at, position, detail FROM checks ORDER BY name").Query();
        while (rows.Read())
            checks.Add(new CheckRow(rows.Text(0), rows.Long(1), rows.Long(2), rows.Text(3), rows.Text(4)));
        return checks;
    }

    public static void Put(MetadataSession session, CheckRow check)
    {
        const string Sql = """
            INSERT INTO checks (name, started_at, finished_at, position, detail) VALUES (@name, @started, @finished, @position, @detail)
            ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
              position = excluded.position, detail = excluded.detail
            """;
        session.Prepare(Sql)
            .Set("@name", check.Name).Set("@started", check.StartedAtMs).Set("@finished", check.FinishedAtMs)
            .Set("@position", check.Position).Set("@detail", check.Detail).Execute();
    }
}

/// <param name="FinishedAtMs">Of the last run that came to its end; 0: none has.</param>
/// <param name="Position">Where a run stands that has not; empty at the start.</param>
/// <param name="Detail">Figures of the last run, JSON, or empty.</param>
public sealed record CheckRow(string Name, long StartedAtMs, long FinishedAtMs, string Position, string Detail);
