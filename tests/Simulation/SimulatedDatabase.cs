using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Simulation.Scheduling;

namespace Simulation;

/// <summary>
/// The real schema and SQL on SQLite in memory, with the real writer of batches and of the journal. A commit is durable; whether its caller hears of it is another
/// matter: after it comes a step at which the process may die, or the caller may be told of an error.
/// </summary>
internal sealed class SimulatedDatabase(World world) : MetadataDatabase
{
    private static readonly TaskCompletionSource Never = new();

    private readonly List<PendingChange> _queue = [];
    private JournalWriter? _journal;
    private BatchCommit? _commit;
    private bool _isGathering;

    /// <summary>Does it say that it takes nothing more until it is started again?</summary>
    public bool NeedsRestart => _journal?.ClosedBecause is not null;

    private Schedule Schedule => world.Schedule;

    public override CommittedState State => _commit?.State ?? CommittedState.Unknown;

    public void Open(JournalWriter journal)
    {
        _journal = journal;
        _commit = new BatchCommit(() => world.Session, journal, BatchCommit.MaxLogFrames, room: null);
    }

    public override async ValueTask<TResult> ReadAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Schedule.Wait("read rows", Faults.InputOutput);
        return query(world.Session, state);
    }

    public override async Task<TResult> WriteAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Schedule.Wait("change rows", Faults.Any);
        var pending = new PendingChange<TState, TResult>(state, world.Profile.Rules.Count > 0 ? Watched(change) : change, cancellationToken);
        _queue.Add(pending);
        Gather();
        // A commit may end at once, and so may its caller's wait for it: not if the power went in it.
        if (world.Journal.Left is not null)
            await Never.Task;
        TResult result;
        try
        {
            result = await pending.Completion;
        }
        catch (SqliteException e) when (e.SqliteExtendedErrorCode == SimulatedRows.CommitRefused)
        {
            throw new IOException("simulated: the database could not commit", e);
        }
        await Schedule.Wait("told of the commit", Faults.InputOutput);
        return result;
    }

    public override ValueTask DisposeAsync() => default;

    // Sometimes others come while a commit is on its way, and make a batch with it.
    private async void Gather()
    {
        if (_isGathering)
            return;
        if (world.Random.Next(4) == 0)
        {
            _isGathering = true;
            await Schedule.Wait("commit", Faults.None);
            _isGathering = false;
        }
        var batch = _queue.ToList();
        _queue.Clear();
        world.Rows.RefusesCommit = RefusesCommit;
        _commit!.Commit(batch);
        world.Rows.RefusesCommit = null;
        if (world.Retention.Running > 0 && world.Journal.Left is null)
            world.Retention.Learn(isRestorable: batch.Count == 1);
    }

    // The journal has the batch, and the database has not: an error, or the power goes.
    private bool RefusesCommit() =>
        world.Journal.Left is null && (world.Journal.MayCut("between journal and database") || world.Journal.DrawFault("commit", Faults.InputOutput) is not null);

    private Func<MetadataSession, TState, TResult> Watched<TState, TResult>(Func<MetadataSession, TState, TResult> change) =>
        (session, state) => world.Retention.Running > 0 ? world.Retention.Watch(session, state, change) : change(session, state);
}
