using System.Collections.Concurrent;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Retention;

/// <summary>
/// Remembers which manifests were pulled until <see cref="FlushAsync"/> writes it down: each at most once an hour, many in one change. A pull that was noted before costs one
/// look-up. A crash loses what was noted since the last flush, at most a minute of pulls.
/// </summary>
internal sealed partial class PullNotes(MetadataDatabase metadata, TimeProvider time, ILogger<PullNotes> log)
{
    /// <summary>The time that is stored may be so much older than the last pull.</summary>
    public static readonly TimeSpan Grain = TimeSpan.FromHours(1);

    /// <summary>From one flush to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    // About 30 MiB at most (P10). Beyond it, what was noted is noted again and written more often than once an hour.
    private const int MaxNoted = 100_000;

    // A change is short, so that pushes don't wait for it.
    private const int BatchSize = 500;

    private ConcurrentDictionary<PullKey, byte> _noted = new();
    private readonly ConcurrentQueue<PullKey> _pending = new();
    private int _count;
    private int _waiting;
    private long _startedAt = time.GetTimestamp();

    /// <summary>Never fails a pull, and never waits.</summary>
    public void Note(RepositoryKey repository, Digest digest)
    {
        var key = new PullKey(repository, digest);
        // After a flush that was late, too: what was noted long ago is not this pull.
        if (time.GetElapsedTime(Volatile.Read(ref _startedAt)) >= Grain)
            Forget();
        if (_noted.ContainsKey(key) || !_noted.TryAdd(key, 0))
            return;
        if (Interlocked.Increment(ref _count) > MaxNoted)
            Forget();
        // What can't be written for long isn't gathered for ever.
        if (Interlocked.Increment(ref _waiting) <= MaxNoted)
            _pending.Enqueue(key);
        else
            Interlocked.Decrement(ref _waiting);
    }

    /// <summary>Writes down what was noted. What could not be written is tried again the next time.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_startedAt) >= Grain)
            Forget();
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                await metadata.WriteAsync(
                    (batch, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
                    static (db, s) =>
                    {
                        Pulls.Note(db, s.batch, s.now);
                        return true;
                    },
                    cancellationToken);
            }
            catch (Exception e)
            {
                PutBack(batch);
                if (e is OperationCanceledException && cancellationToken.IsCancellationRequested)
                    throw;
                LogNotWritten(log, e, batch.Count);
                return;
            }
        }
    }

    private List<(RepositoryKey Repository, Digest Digest)> Take()
    {
        var batch = new List<(RepositoryKey, Digest)>();
        while (batch.Count < BatchSize && _pending.TryDequeue(out var key))
        {
            Interlocked.Decrement(ref _waiting);
            batch.Add((key.Repository, key.Digest));
        }
        return batch;
    }

    private void PutBack(List<(RepositoryKey Repository, Digest Digest)> batch)
    {
        foreach (var (repository, digest) in batch)
        {
            Interlocked.Increment(ref _waiting);
            _pending.Enqueue(new PullKey(repository, digest));
        }
    }

    private void Forget()
    {
        _noted = new();
        _count = 0;
        _startedAt = time.GetTimestamp();
    }

    private readonly record struct PullKey(RepositoryKey Repository, Digest Digest);

    [LoggerMessage(1100, LogLevel.Warning, "the times of {Count} pulls could not be written down; tried again in a minute")]
    private static partial void LogNotWritten(ILogger logger, Exception cause, int count);
}
