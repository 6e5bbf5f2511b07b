using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>One transaction for a batch of changes: applied, written into the journal, committed, in this order. One thread at a time.</summary>
internal sealed class BatchCommit : IDisposable
{
    /// <summary>64 MiB, the size that the log's file is cut back to (journal_size_limit).</summary>
    public const int MaxLogFrames = 16_384;

    private readonly Func<MetadataSession> _open;
    private readonly List<PendingChange> _applied = [];
    private readonly LogBound _logBound;
    private readonly JournalWriter? _journal;
    private readonly StateNumber _state = new();
    private MetadataSession? _session;

    /// <param name="open">Opens a connection for writing.</param>
    /// <param name="journal">This one's from now on. Null: changes are written down nowhere.</param>
    public BatchCommit(Func<MetadataSession> open, JournalWriter? journal, int maxLogFrames, DatabaseRoom? room)
    {
        _open = open;
        _journal = journal;
        _logBound = new LogBound(maxLogFrames, room);
        _session = open();
    }

    /// <summary>Which state the readers see.</summary>
    public CommittedState State => _state.Current;

    public void Dispose()
    {
        _session?.Dispose();
        _journal?.Dispose();
    }

    /// <summary>Commits them together. Each caller hears of it, or of the error; one that fails alone is rolled back alone.</summary>
    public void Commit(List<PendingChange> batch)
    {
        _applied.Clear();
        var isWritten = false;
        try
        {
            // Not even what needs no journal, such as the removal of a blob: a start may find a refused change in the journal and carry it out.
            _journal?.ThrowIfClosed();
            _session ??= _open();
            _session.Prepare("BEGIN IMMEDIATE").Execute();
            foreach (var change in batch)
                Apply(_session, change, isAlone: batch.Count == 1);
            CommitVersion.CountUp(_session);
            isWritten = WriteJournal(_session);
            _state.Leave();
            _session.Prepare("COMMIT").Execute();
        }
        catch (Exception e)
        {
            RollBack();
            _state.Arrive();
            // In this order: the database is known not to have what is taken out of the journal.
            if (isWritten)
                _journal!.TakeBack();
            else
                _journal?.Forget();
            foreach (var change in batch)
                change.Fail(SqliteConnections.Translate(e));
            return;
        }
        _state.Arrive();
        StorageMetrics.RecordBatch(_applied.Count);
        foreach (var change in _applied)
            change.Complete();
        _logBound.Look(_session);
    }

    // Before the commit: a database that is behind its journal can be brought up to it, the other way round something is lost.
    private bool WriteJournal(MetadataSession session)
    {
        if (_journal is not { HasAdded: true })
            return false;
        JournalPosition.Advance(session, _journal.LastAdded);
        _journal.Write();
        return true;
    }

    private void Run(MetadataSession session, PendingChange change)
    {
        session.TakeEvents();
        change.Run(session);
        var events = session.TakeEvents();
        if (events.Count > 0)
            _journal?.Add(session, events);
        _applied.Add(change);
    }

    private void Apply(MetadataSession session, PendingChange change, bool isAlone)
    {
        if (isAlone)
        {
            Run(session, change);
            return;
        }
        session.Prepare("SAVEPOINT change").Execute();
        try
        {
            Run(session, change);
        }
        catch (Exception e) when (SqliteConnections.InTransaction(session))
        {
            // Where the error ended the transaction itself (a full disk), the whole batch is gone and fails with it.
            session.Prepare("ROLLBACK TO change").Execute();
            change.Fail(SqliteConnections.Translate(e));
        }
        session.Prepare("RELEASE change").Execute();
    }

    private void RollBack()
    {
        try
        {
            if (_session is not null && SqliteConnections.InTransaction(_session))
                _session.Prepare("ROLLBACK").Execute();
        }
        catch (Exception)
        {
            // A connection that can't roll back is of no more use; closing it rolls back, and the next batch opens another.
            _session!.Dispose();
            _session = null;
        }
    }
}
