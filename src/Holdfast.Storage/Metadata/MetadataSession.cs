using System.Data.Common;
using Holdfast.Storage.Journal;

namespace Holdfast.Storage.Metadata;

/// <summary>One connection with its prepared statements, lent to one delegate at a time.</summary>
public sealed class MetadataSession(DbConnection connection) : IDisposable
{
    private readonly Dictionary<string, Statement> _statements = new(ReferenceEqualityComparer.Instance);

    private List<JournalEvent> _events = [];

    public DbConnection Connection => connection;

    /// <summary>Notes what the running change did, for the journal that is written before the change is committed.</summary>
    public void Record(JournalEvent done) => _events.Add(done);

    /// <summary>Takes what was recorded since the last call: by whoever ran the change, after it and before the next.</summary>
    public IReadOnlyList<JournalEvent> TakeEvents()
    {
        if (_events.Count == 0)
            return [];
        var taken = _events;
        _events = [];
        return taken;
    }

    /// <summary>The prepared statement for a SQL literal; prepared at its first use on this connection. Never call it with built text: each would stay.</summary>
    public Statement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out var statement))
            return statement;
        statement = new Statement(connection, sql);
        _statements.Add(sql, statement);
        return statement;
    }

    /// <summary>Runs SQL once, several statements too, without keeping it.</summary>
    public void Execute(string sql)
    {
        using var statement = new Statement(connection, sql);
        statement.Execute();
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
        connection.Dispose();
    }
}
