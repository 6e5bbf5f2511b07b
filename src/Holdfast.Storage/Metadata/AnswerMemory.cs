using System.Collections.Concurrent;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// Answers of one query, remembered as long as they are exactly what the database would answer, within a limit (P10). What was not used for two turns
/// is dropped first.
/// <para>
/// Why it is as true as the database: an answer is remembered only if the committed state was at rest before the query and is the same after it, so nothing
/// became visible in between, and it is that state's answer. It is given only while the state is still that one: at the moment when the state was looked at, the
/// database would have given the same. A commit leaves that state before any reader can see it, and arrives at another before any caller hears of it
/// (<see cref="MetadataDatabase.State"/>); so nobody is given the older answer who comes after somebody saw the newer one, or after the write was
/// acknowledged. While a commit is under way everyone asks the database.
/// </para>
/// </summary>
/// <param name="query">Null isn't remembered: there is no end to what isn't there.</param>
/// <param name="bytesOf">What a key and its answer take, roughly.</param>
public sealed class AnswerMemory<TKey, TAnswer>(
    MetadataDatabase database, Func<MetadataSession, TKey, TAnswer?> query, long limitBytes, Func<TKey, TAnswer, long> bytesOf)
    where TKey : notnull
    where TAnswer : class
{
    // Two generations: look-ups are lock-free, and a full new generation replaces the old one whole, keeping what was used since.
    private readonly Lock _lock = new();
    private volatile ConcurrentDictionary<TKey, Entry> _fresh = new();
    private volatile ConcurrentDictionary<TKey, Entry> _aged = new();
    private long _freshBytes;

    /// <summary>What the query answers, from memory if that is known to be the same.</summary>
    public ValueTask<TAnswer?> FindAsync(TKey key, CancellationToken cancellationToken)
    {
        var state = database.State;
        return state.IsAtRest && Find(key, state) is { } answer ? new(answer) : AskAsync(key, state, cancellationToken);
    }

    private async ValueTask<TAnswer?> AskAsync(TKey key, CommittedState before, CancellationToken cancellationToken)
    {
        var answer = await database.ReadAsync((query, key), static (session, s) => s.query(session, s.key), cancellationToken);
        // What the query read must have been read before the state is looked at again; reading a number alone doesn't order what came before it.
        Interlocked.MemoryBarrier();
        if (answer is not null && before.IsAtRest && database.State == before)
            Remember(key, new Entry(before, answer, bytesOf(key, answer)));
        return answer;
    }

    private TAnswer? Find(TKey key, CommittedState state)
    {
        if (_fresh.TryGetValue(key, out var entry) && entry.State == state)
            return entry.Answer;
        if (!_aged.TryGetValue(key, out entry) || entry.State != state)
            return null;
        Remember(key, entry);
        return entry.Answer;
    }

    private void Remember(TKey key, Entry entry)
    {
        var bytes = entry.Bytes;
        var fresh = _fresh;
        if (bytes > limitBytes / 4)
            return;
        // Whoever is overtaken leaves it: the other's is as good, or newer.
        if (fresh.TryGetValue(key, out var before))
        {
            if (!fresh.TryUpdate(key, entry, before))
                return;
            bytes -= before.Bytes;
        }
        else if (!fresh.TryAdd(key, entry))
        {
            return;
        }
        if (Interlocked.Add(ref _freshBytes, bytes) >= limitBytes / 2)
            Turn();
    }

    private void Turn()
    {
        lock (_lock)
        {
            if (_freshBytes < limitBytes / 2)
                return;
            _aged = _fresh;
            _fresh = new();
            _freshBytes = 0;
        }
    }

    private sealed class Entry(CommittedState state, TAnswer answer, long bytes)
    {
        public CommittedState State => state;

        public TAnswer Answer => answer;

        public long Bytes => bytes;
    }
}
