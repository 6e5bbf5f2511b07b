using Holdfast.Storage.Metadata;
using Simulation.Scheduling;

namespace Simulation;

/// <summary>
/// The real schema and SQL on SQLite in memory, each change in a transaction of its own. A commit is durable; whether its caller hears of it is another
/// matter: after it comes a step at which the process may die, or the caller may be told of an error.
/// </summary>
internal sealed class SimulatedDatabase(World world, MetadataSession session, SimulatedJournal journal, Schedule schedule) : MetadataDatabase
{
    public override async ValueTask<TResult> ReadAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await schedule.Wait("read rows", Faults.InputOutput);
        return query(session, state);
    }

    public override async Task<TResult> WriteAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await schedule.Wait("change rows", Faults.Any);
        var result = world.Retention.Running > 0
            ? Commit((state, change, world.Retention), static (session, s) => s.Retention.Watch(session, s.state, s.change))
            : Commit(state, change);
        if (world.Retention.Running > 0)
            world.Retention.Learn(isRestorable: true);
        await schedule.Wait("told of the commit", Faults.InputOutput);
        return result;
    }

    private TResult Commit<TState, TResult>(TState state, Func<MetadataSession, TState, TResult> change)
    {
        session.TakeEvents();
        session.Prepare("BEGIN IMMEDIATE").Execute();
        try
        {
            var result = change(session, state);
            session.Prepare("COMMIT").Execute();
            journal.Add(session.TakeEvents());
            return result;
        }
        catch
        {
            session.Prepare("ROLLBACK").Execute();
            throw;
        }
    }

    public override ValueTask DisposeAsync() => default;
}
