using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// Numbers the states that readers see, as a sequence lock does with its one writer: odd from before a commit until after it, then the next even number.
/// <para>
/// All that a running server changes goes through <see cref="BatchCommit"/>, one batch at a time: the data folder's lock keeps other processes out, what start-up,
/// replay, rebuild and migrations write is written before the first reader, checkpoints change no row, and the keeper of the journal only reads. The one
/// transaction beside it makes room (<see cref="DatabaseRoom"/>), in a table that nobody asks for.
/// </para>
/// <para>
/// Both changes are full fences. Who has seen a row of the commit (SQLite publishes it in shared memory, behind a barrier of its own) therefore finds
/// the number odd or higher, if it looks after a fence; who finds the number even sees all of the commit. It is left just before COMMIT and not when the batch begins: what
/// isn't committed, nobody sees, and the journal's sync takes as long as the commit's.
/// </para>
/// </summary>
internal sealed class StateNumber
{
    private long _number;

    public CommittedState Current => new(Volatile.Read(ref _number));

    /// <summary>The next call makes changes visible.</summary>
    public void Leave() => Interlocked.Exchange(ref _number, _number | 1);

    /// <summary>They are, or are rolled back. Another number in any case: a commit that failed is not always known to have done nothing.</summary>
    public void Arrive() => Interlocked.Exchange(ref _number, (_number | 1) + 1);
}
