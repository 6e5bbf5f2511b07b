namespace Holdfast.Client;

/// <summary>Keeps retries from becoming the load that keeps an upstream down: over a minute, three, or a tenth of the requests if that is more.</summary>
internal sealed class RetryBudget(TimeProvider time)
{
    private const int MinRetries = 3;
    private const int RequestsPerRetry = 10;
    private const int SlotSeconds = 10;

    private readonly Lock _lock = new();
    private readonly (long Slot, long Requests, long Retries)[] _slots = new (long, long, long)[6];

    public void Count()
    {
        lock (_lock)
            Current().Requests++;
    }

    /// <returns>May one more be sent?</returns>
    public bool TryTake()
    {
        lock (_lock)
        {
            ref var current = ref Current();
            var (requests, retries) = (0L, 0L);
            foreach (var slot in _slots)
            {
                if (current.Slot - slot.Slot >= _slots.Length)
                    continue;
                requests += slot.Requests;
                retries += slot.Retries;
            }
            if (retries >= Math.Max(MinRetries, requests / RequestsPerRetry))
                return false;
            current.Retries++;
            return true;
        }
    }

    private ref (long Slot, long Requests, long Retries) Current()
    {
        var now = time.GetTimestamp() / time.TimestampFrequency / SlotSeconds;
        ref var slot = ref _slots[now % _slots.Length];
        if (slot.Slot != now)
            slot = (now, 0, 0);
        return ref slot;
    }
}
