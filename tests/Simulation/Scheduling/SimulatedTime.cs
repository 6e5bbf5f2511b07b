namespace Simulation.Scheduling;

/// <summary>A clock that goes on only when it is told to; the wall clock may jump, the timestamps never do.</summary>
internal sealed class SimulatedTime : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly List<Timer> _timers = [];
    private long _elapsedTicks;
    private DateTimeOffset _now = Start;
    private long _created;

    public bool HasTimers => _timers.Count > 0;

    /// <summary>What has really passed since the beginning.</summary>
    public long PassedMs => _elapsedTicks / TimeSpan.TicksPerMillisecond;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _elapsedTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state, ++_created);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var end = _elapsedTicks + by.Ticks;
        while (_timers.Count > 0 && Next() is var next && next.DueTicks <= end)
            Fire(next);
        MoveTo(end);
    }

    /// <summary>To the moment of the next timer; whoever sleeps goes on.</summary>
    public void AdvanceToTimer()
    {
        if (_timers.Count > 0)
            Fire(Next());
    }

    /// <summary>Somebody sets the wall clock.</summary>
    public void Jump(TimeSpan by) => _now += by;

    /// <summary>Timers are the process's, and go with it.</summary>
    public void Abandon() => _timers.Clear();

    private Timer Next() => _timers.MinBy(timer => (timer.DueTicks, timer.Id))!;

    private void Fire(Timer timer)
    {
        MoveTo(Math.Max(timer.DueTicks, _elapsedTicks));
        _timers.Remove(timer);
        timer.Run();
    }

    private void MoveTo(long ticks)
    {
        _now += TimeSpan.FromTicks(ticks - _elapsedTicks);
        _elapsedTicks = ticks;
    }

    private sealed class Timer(SimulatedTime time, TimerCallback callback, object? state, long id) : ITimer
    {
        private TimeSpan _period;

        public long Id => id;

        public long DueTicks { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time._timers.Remove(this);
            _period = period;
            if (dueTime == Timeout.InfiniteTimeSpan)
                return true;
            DueTicks = time._elapsedTicks + dueTime.Ticks;
            time._timers.Add(this);
            return true;
        }

        public void Run()
        {
            if (_period > TimeSpan.Zero)
                Change(_period, _period);
            callback(state);
        }

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
