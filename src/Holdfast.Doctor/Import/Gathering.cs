namespace Holdfast.Doctor.Import;

/// <summary>
/// Puts what several callers offer at the same time into one call: while one is under way, the next gathers. As with a database's group commit, many small repositories then share the
/// syncs and the commit that each of them would pay.
/// </summary>
/// <param name="accept">Takes offers; gives a receipt for each, in any order.</param>
internal sealed class Gathering<TOffer, TReceipt, TKey>(
    Func<IReadOnlyList<TOffer>, CancellationToken, Task<IReadOnlyList<TReceipt>>> accept, Func<TOffer, TKey> keyOfOffer, Func<TReceipt, TKey> keyOfReceipt)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Queue<Waiting> _waiting = [];
    private bool _isRunning;

    /// <summary>Of one call; one caller's offers are never split, however many they are.</summary>
    public required int MaxOffers { get; init; }

    public required long MaxWeight { get; init; }

    public required Func<TOffer, long> WeightOf { get; init; }

    /// <returns>The receipts of these offers.</returns>
    public Task<IReadOnlyList<TReceipt>> AcceptAsync(IReadOnlyList<TOffer> offers, CancellationToken token)
    {
        var waiting = new Waiting(offers, offers.Sum(WeightOf));
        lock (_lock)
        {
            _waiting.Enqueue(waiting);
            if (!_isRunning)
                _ = RunAsync(token);
            _isRunning = true;
        }
        return waiting.Receipts.Task;
    }

    // All callers are slices of one import, with one token.
    private async Task RunAsync(CancellationToken token)
    {
        await Task.Yield();
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                var receipts = await accept([.. batch.SelectMany(waiting => waiting.Offers)], token);
                var byKey = receipts.GroupBy(keyOfReceipt).ToDictionary(group => group.Key, group => new Queue<TReceipt>(group));
                foreach (var waiting in batch)
                    waiting.Receipts.SetResult([.. waiting.Offers.Select(keyOfOffer).Where(key => byKey.TryGetValue(key, out var left) && left.Count > 0).Select(key => byKey[key].Dequeue())]);
            }
            catch (Exception e)
            {
                foreach (var waiting in batch)
                    waiting.Receipts.TrySetException(e);
            }
        }
    }

    private List<Waiting> Take()
    {
        var (batch, count, weight) = (new List<Waiting>(), 0, 0L);
        lock (_lock)
        {
            while (_waiting.TryPeek(out var next) && (batch.Count == 0 || (count + next.Offers.Count <= MaxOffers && weight + next.Weight <= MaxWeight)))
            {
                batch.Add(_waiting.Dequeue());
                (count, weight) = (count + next.Offers.Count, weight + next.Weight);
            }
            _isRunning = batch.Count > 0;
        }
        return batch;
    }

    private sealed record Waiting(IReadOnlyList<TOffer> Offers, long Weight)
    {
        public TaskCompletionSource<IReadOnlyList<TReceipt>> Receipts { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
