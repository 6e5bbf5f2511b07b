using Holdfast.Load.Measure;

namespace Holdfast.Load.Run;

/// <summary>
/// Says when the next request is due, for all threads of a run. A closed loop's is due at once. An open loop's is due on
/// a fixed timetable whatever the server does, so that a stall delays, and is charged to, every request behind it.
/// </summary>
internal sealed class Pace
{
    private readonly long _begin;
    private readonly long _deadline;
    private readonly double _interval;
    private readonly long _requests;
    private long _taken;

    /// <param name="begin">Stopwatch ticks at which the run, warm-up included, begins.</param>
    public Pace(long begin, TimeSpan duration, long? requests, double? rate)
    {
        _begin = begin;
        _deadline = requests is null ? begin + Ticks.FromSeconds(duration.TotalSeconds) : long.MaxValue;
        _requests = requests ?? long.MaxValue;
        _interval = rate is { } perSecond ? Ticks.FromSeconds(1) / perSecond : 0;
    }

    private bool IsOpen => _interval > 0;

    /// <param name="due">When taken: the tick from which latency counts. Otherwise: when to ask again.</param>
    /// <returns>Null when the run is over.</returns>
    public bool? TryTake(long now, out long due)
    {
        due = now;
        if (IsOpen)
            return TryTakeScheduled(now, out due);
        if (now >= _deadline)
            return null;

        // Only a counted run pays for a shared counter.
        return _requests == long.MaxValue || Interlocked.Increment(ref _taken) <= _requests ? true : null;
    }

    private bool? TryTakeScheduled(long now, out long due)
    {
        while (true)
        {
            var taken = Volatile.Read(ref _taken);
            due = _begin + (long)(taken * _interval);
            if (taken >= _requests || due >= _deadline)
                return null;
            if (due > now)
                return false;
            if (Interlocked.CompareExchange(ref _taken, taken + 1, taken) == taken)
                return true;
        }
    }
}
