namespace Holdfast.Storage.Metadata;

/// <summary>
/// The metadata database (a seam: SQLite, PostgreSQL). It gives sessions; the SQL on them is written once, in this folder's tables.
/// A query or change is a short synchronous delegate that does nothing but SQL, so that many changes can share one durable commit.
/// </summary>
public abstract class MetadataDatabase : IAsyncDisposable
{
    /// <summary>
    /// Which state the readers see. Two looks at the same state at rest, one before a query and one after it, say that nothing became visible between them.
    /// Whoever implements it leaves the state before a change can become visible to anyone, and arrives at another after it is, before any caller hears of it.
    /// A database that others write to can't tell, and says nothing.
    /// </summary>
    public virtual CommittedState State => CommittedState.Unknown;

    /// <summary>Runs a query against the last committed state.</summary>
    /// <param name="state">Handed to <paramref name="query"/>, which can then be static.</param>
    public abstract ValueTask<TResult> ReadAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a change in a transaction of its own and returns when it is committed durably (P1). If the delegate throws, its change alone is
    /// rolled back and the exception comes back. Once started, a change is not cancelled; the token only leaves the queue.
    /// </summary>
    public abstract Task<TResult> WriteAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}
