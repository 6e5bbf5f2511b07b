using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Simulation;

/// <summary>One SQLite database in memory for many histories, one after the other: emptied instead of migrated again, so that its statements stay prepared.</summary>
internal sealed class SimulatedRows : IDisposable
{
    /// <summary>The extended error of a commit that <see cref="RefusesCommit"/> has ended.</summary>
    public const int CommitRefused = raw.SQLITE_CONSTRAINT_COMMITHOOK;

    private readonly List<string> _tables = [];
    private readonly SqliteConnection _copy = new("Data Source=:memory:;Pooling=False");

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
        _copy.Open();
        raw.sqlite3_commit_hook(Connection.Handle, static rows => ((SimulatedRows)rows).RefusesCommit?.Invoke() == true ? 1 : 0, this);
    }

    public MetadataSession Session { get; }

    /// <summary>Asked before each commit; true: it is rolled back.</summary>
    public Func<bool>? RefusesCommit { get; set; }

    /// <summary>Is there a copy of this history's?</summary>
    public bool HasCopy { get; private set; }

    private SqliteConnection Connection => (SqliteConnection)Session.Connection;

    public void TakeCopy()
    {
        Connection.BackupDatabase(_copy);
        HasCopy = true;
    }

    public void PutCopyBack() => _copy.BackupDatabase(Connection);

    public void ForgetCopy() => HasCopy = false;

    public void Clear()
    {
        // Without foreign keys a table is emptied as a whole.
        Session.Execute("PRAGMA foreign_keys = OFF");
        Session.Execute(string.Concat(_tables.Select(table => $"DELETE FROM {table};")));
        Session.Execute("PRAGMA foreign_keys = ON");
        Session.TakeEvents();
    }

    public void Dispose()
    {
        _copy.Dispose();
        Session.Dispose();
    }
}
