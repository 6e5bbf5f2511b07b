using Holdfast.Bench.Measure;

namespace Holdfast.Bench.Loops;

/// <summary>
/// Says when the next request is due, for all threads of a run. A closed loop's is due at once. An open loop's is due on
/// a fixed timetable whatever the server does, so that a stall delays, and is charged to, every request behind it.
/// </summary>
internal sealed class Pace
{
    // A server that can't keep up with a timetable is asked for as long again; what is owed then is counted as not sent.
    private const int Overtime = 2;

    private readonly long _begin;
    private readonly long _deadline;
    private readonly long _giveUp;
    private readonly double _interval;
    private readonly long _requests;
    private readonly long _countFrom;
    private readonly long _firstCounted;
    private long _taken;
    private volatile bool _over;

    /// <param name="begin">Stopwatch ticks at which the run, warm-up included, begins.</param>
    /// <param name="duration">Warm-up included.</param>
    /// <param name="warmup">What a timetable owes from then is dropped at its end: else a server that can't keep up would never come to what is measured.</param>
    public Pace(long begin, TimeSpan duration, long? requests, double? rate, TimeSpan warmup = default)
    {
        _begin = begin;
        _countFrom = begin + Ticks.FromSeconds(warmup.TotalSeconds);
        _deadline = requests is null ? begin + Ticks.FromSeconds(duration.TotalSeconds) : long.MaxValue;
        _requests = requests ?? long.MaxValue;
        _interval = rate is { } perSecond ? Ticks.FromSeconds(1) / perSecond : 0;
        _firstCounted = IsOpen ? (long)Math.Ceiling((_countFrom - begin) / _interval) : 0;
        var planned = requests is { } counted ? counted * _interval : Ticks.FromSeconds(duration.TotalSeconds);
        _giveUp = IsOpen ? begin + (long)(planned * Overtime) + Ticks.FromSeconds(1) : long.MaxValue;
    }

    /// <summary>Are requests due on a timetable?</summary>
    public bool IsOpen => _interval > 0;

    /// <summary>How many were due and never left, because the server could not keep up with the timetable.</summary>
    public long Unsent
    {
        get
        {
            if (!IsOpen || _over)
                return 0;
            var due = _requests != long.MaxValue ? _requests : (long)Math.Ceiling((_deadline - _begin) / _interval);
            return Math.Max(0, due - Math.Max(_firstCounted, Volatile.Read(ref _taken)));
        }
    }

    /// <summary>When all that was planned would be over, were every request answered at once.</summary>
    /// <param name="now">What was ended early was planned until then.</param>
    public long PlannedEnd(long now)
    {
        var planned = _requests == long.MaxValue ? _deadline : _begin + (long)(_requests * _interval);
        return _over ? Math.Min(now, planned) : planned;
    }

    /// <summary>No more requests, whatever was planned.</summary>
    public void End() => _over = true;

    /// <param name="due">When taken: the tick from which latency counts. Otherwise: when to ask again.</param>
    /// <returns>Null when the run is over.</returns>
    public bool? TryTake(long now, out long due)
    {
        due = now;
        if (_over || now >= _giveUp)
            return null;
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
            if (taken < _firstCounted && now >= _countFrom)
            {
                Interlocked.CompareExchange(ref _taken, _firstCounted, taken);
                continue;
            }
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
