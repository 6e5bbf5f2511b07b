namespace Holdfast.Server.Http;

/// <summary>
/// The requests that a drain waits for: everything brought to the dispatcher, until its answer is sent. Health, metrics and refusals
/// don't count, else probes would keep a server from ever getting idle.
/// </summary>
internal sealed class InFlight : IDisposable
{
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _draining = new();
    private int _count;

    public InFlight() => Draining = _draining.Token;

    public int Count => Volatile.Read(ref _count);

    public bool IsDraining => Draining.IsCancellationRequested;

    /// <summary>Set when the drain begins.</summary>
    public CancellationToken Draining { get; }

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
    public async Task DrainAsync()
    {
        // Draining from here on; who is told of it runs on other threads.
        var told = _draining.CancelAsync();
        if (Count == 0)
            _idle.TrySetResult();
        await told;
        await _idle.Task;
    }

    public void Dispose() => _draining.Dispose();
}
