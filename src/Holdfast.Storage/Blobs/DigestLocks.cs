using Holdfast.Oci;

namespace Holdfast.Storage.Blobs;

/// <summary>
/// One holder at a time for each digest. Held from before a file is stored until its row is committed, and by whoever takes a file away: else
/// the collection could remove, for a row that is going, the file that a push has just stored for the row that is coming.
/// </summary>
/// <remarks>
/// In this process only: a data folder has one writing process. Wait for one at a time, since two could wait for each other; whoever wants several
/// tries.
/// </remarks>
public sealed class DigestLocks
{
    private readonly Dictionary<Digest, Queue<TaskCompletionSource<Holder>>> _held = [];

    /// <summary>Waits its turn, first come first served. Dispose the holder to leave.</summary>
    public ValueTask<Holder> EnterAsync(Digest digest, CancellationToken cancellationToken)
    {
        lock (_held)
        {
            if (_held.TryAdd(digest, new()))
                return new(new Holder(this, digest));
            var turn = new TaskCompletionSource<Holder>(TaskCreationOptions.RunContinuationsAsynchronously);
            _held[digest].Enqueue(turn);
            return new(WaitAsync(turn, cancellationToken));
        }
    }

    /// <summary>Doesn't wait.</summary>
    /// <returns>Null if somebody else holds it.</returns>
    public Holder? TryEnter(Digest digest)
    {
        lock (_held)
            return _held.TryAdd(digest, new()) ? new Holder(this, digest) : null;
    }

    private static async Task<Holder> WaitAsync(TaskCompletionSource<Holder> turn, CancellationToken cancellationToken)
    {
        await using var cancelling = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
        return await turn.Task;
    }

    private void Leave(Digest digest)
    {
        lock (_held)
        {
            var waiting = _held[digest];
            while (waiting.TryDequeue(out var next))
            {
                if (next.TrySetResult(new Holder(this, digest)))
                    return;
            }
            _held.Remove(digest);
        }
    }

    public sealed class Holder : IDisposable
    {
        private readonly Digest _digest;
        private DigestLocks? _locks;

        internal Holder(DigestLocks locks, Digest digest) => (_locks, _digest) = (locks, digest);

        public void Dispose() => Interlocked.Exchange(ref _locks, null)?.Leave(_digest);
    }
}
