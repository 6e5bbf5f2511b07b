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

    private readonly Channel<PendingChange> _queue = Channel.CreateBounded<PendingChange>(
        new BoundedChannelOptions(MaxQueued) { SingleReader = true, AllowSynchronousContinuations = false });
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly BatchCommit _commit;

    /// <param name="open">Opens a connection for writing.</param>
    /// <param name="journal">Where changes are written down before they are committed; this one's from now on. Null: nowhere.</param>
    /// <param name="maxLogFrames">Pages in the write-ahead log before the writer waits for readers to leave it.</param>
    /// <param name="room">Free pages to keep in the file, if any.</param>
    public GroupCommit(Func<MetadataSession> open, JournalWriter? journal = null, int maxLogFrames = BatchCommit.MaxLogFrames, DatabaseRoom? room = null)
    {
        _commit = new BatchCommit(open, journal, maxLogFrames, room);
        new Thread(Loop) { IsBackground = true, Name = "database writer" }.Start();
    }

    /// <inheritdoc cref="BatchCommit.State"/>
    public CommittedState State => _commit.State;

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
                _commit.Commit(batch);
            batch.Clear();
        }
        _commit.Dispose();
        _stopped.SetResult();
    }
}
