using System.Threading.Channels;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// The one writer. Changes that arrive while a commit waits for the disk form the next batch: one transaction, each change under a savepoint
/// of its own, one sync for all of them.
/// </summary>
internal sealed class GroupCommit : IAsyncDisposable
{
    private const int MaxQueued = 4096;

    // Keeps one batch's transaction short enough for the first in it; a sync serves this many as well as more.
    private const int MaxBatch = 256;

    // 64 MiB, the size that the log's file is cut back to (journal_size_limit).
    private const int MaxLogFrames = 16_384;

    private readonly Channel<PendingChange> _queue = Channel.CreateBounded<PendingChange>(
        new BoundedChannelOptions(MaxQueued) { SingleReader = true, AllowSynchronousContinuations = false });
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<MetadataSession> _open;
    private readonly List<PendingChange> _applied = new(MaxBatch);
    private readonly LogBound _logBound;
    private readonly JournalWriter? _journal;
    private MetadataSession? _session;

    /// <param name="open">Opens a connection for writing.</param>
    /// <param name="journal">Where changes are written down before they are committed; this one's from now on. Null: nowhere.</param>
    /// <param name="maxLogFrames">Pages in the write-ahead log before the writer waits for readers to leave it.</param>
    /// <param name="room">Free pages to keep in the file, if any.</param>
    public GroupCommit(Func<MetadataSession> open, JournalWriter? journal = null, int maxLogFrames = MaxLogFrames, DatabaseRoom? room = null)
    {
        _open = open;
        _journal = journal;
        _logBound = new LogBound(maxLogFrames, room);
        _session = open();
        new Thread(Loop) { IsBackground = true, Name = "database writer" }.Start();
    }

    public Task<TResult> RunAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken)
    {
        var pending = new PendingChange<TState, TResult>(state, change, cancellationToken);
        return _queue.Writer.TryWrite(pending) ? pending.Completion : QueueAsync(pending, cancellationToken);
    }

    /// <summary>Takes no more changes, and waits until those queued are committed.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stopped.Task;
    }

    private async Task<TResult> QueueAsync<TState, TResult>(PendingChange<TState, TResult> pending, CancellationToken cancellationToken)
    {
        try
        {
            await _queue.Writer.WriteAsync(pending, cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw new ObjectDisposedException("the metadata database is closed", e);
        }
        return await pending.Completion;
    }

    private void Loop()
    {
        var batch = new List<PendingChange>(MaxBatch);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var change))
            {
                if (change.TryStart())
                    batch.Add(change);
            }
            if (batch.Count > 0)
                Commit(batch);
            batch.Clear();
        }
        _session?.Dispose();
        _journal?.Dispose();
        _stopped.SetResult();
    }

    private void Commit(List<PendingChange> batch)
    {
        _applied.Clear();
        var isWritten = false;
        try
        {
            _session ??= _open();
            _session.Prepare("BEGIN IMMEDIATE").Execute();
            foreach (var change in batch)
                Apply(_session, change, isAlone: batch.Count == 1);
            CommitVersion.CountUp(_session);
            isWritten = WriteJournal(_session);
            _session.Prepare("COMMIT").Execute();
        }
        catch (Exception e)
        {
            RollBack();
            // In this order: the database is known not to have what is taken out of the journal.
            if (isWritten)
                _journal!.TakeBack();
            else
                _journal?.Forget();
            foreach (var change in batch)
                change.Fail(SqliteConnections.Translate(e));
            return;
        }
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
