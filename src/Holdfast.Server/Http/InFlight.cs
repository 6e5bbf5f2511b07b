namespace Holdfast.Server.Http;

/// <summary>
/// The requests that a drain waits for: everything brought to the dispatcher, until its answer is sent. Health, metrics and refusals
/// don't count, else probes would keep a server from ever getting idle.
/// </summary>
internal sealed class InFlight
{
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private int _draining;

    public int Count => Volatile.Read(ref _count);

    public bool IsDraining => Volatile.Read(ref _draining) != 0;

    /// <returns>False if the server drains; the request is then not counted and must be refused.</returns>
    public bool TryEnter()
    {
        // Count first, look afterwards; DrainAsync does the reverse. So no request is both let in and missed by the drain.
        Interlocked.Increment(ref _count);
        if (!IsDraining)
            return true;
        Leave();
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _count) == 0 && IsDraining)
            _idle.TrySetResult();
    }

    /// <summary>Lets nothing more in; completes when nothing is left.</summary>
    public Task DrainAsync()
    {
        Interlocked.Exchange(ref _draining, 1);
        if (Count == 0)
            _idle.TrySetResult();
        return _idle.Task;
    }
}
