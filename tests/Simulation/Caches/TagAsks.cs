namespace Simulation.Caches;

/// <summary>
/// What was asked about one tag, by clients and for pins. Asks that overlap, or nearly do, may have one answer: a row of them is judged by all that the upstream said since it began.
/// </summary>
internal sealed class TagAsks
{
    private int _running;
    private long _lastEndMs = long.MinValue / 2;

    /// <summary>The model's number of when the row of asks began that is going on, or was the last.</summary>
    public long Since { get; private set; }

    public long SinceMs { get; private set; }

    public bool IsRunning => _running > 0;

    /// <param name="togetherMs">Asks that are no farther apart may have one answer.</param>
    public void Begin(long number, long nowMs, long togetherMs)
    {
        if (_running++ == 0 && nowMs - _lastEndMs > togetherMs)
            (Since, SinceMs) = (number, nowMs);
    }

    public void End(long nowMs)
    {
        _running--;
        _lastEndMs = nowMs;
    }

    /// <summary>The process is gone.</summary>
    public void Abandon(long nowMs)
    {
        // What is confirmed for a while is written down.
        if (_running > 0)
            _lastEndMs = nowMs;
        _running = 0;
    }
}
