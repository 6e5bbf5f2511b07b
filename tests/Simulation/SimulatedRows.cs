using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;

namespace Simulation;

/// <summary>One SQLite database in memory for many histories, one after the other: emptied instead of migrated again, so that its statements stay prepared.</summary>
internal sealed class SimulatedRows : IDisposable
{
    private readonly List<string> _tables = [];

    public SimulatedRows()
    {
        Session = new MetadataSession(new SqliteConnection("Data Source=:memory:;Pooling=False"));
        Session.Connection.Open();
        Session.Execute("PRAGMA foreign_keys = ON; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY");
        SchemaMigrations.Run(Session, SqlDialect.Sqlite);
        using var tables = new Statement(Session.Connection, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_version'");
        using var rows = tables.Query();
        while (rows.Read())
            _tables.Add(rows.Text(0));
    }

    public MetadataSession Session { get; }

    public void Clear()
    {
        // Without foreign keys a table is emptied as a whole.
        Session.Execute("PRAGMA foreign_keys = OFF");
        Session.Execute(string.Concat(_tables.Select(table => $"DELETE FROM {table};")));
        Session.Execute("PRAGMA foreign_keys = ON");
        Session.TakeEvents();
    }

    public void Dispose() => Session.Dispose();
}
