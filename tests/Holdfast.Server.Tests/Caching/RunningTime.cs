using System.Diagnostics;

namespace Holdfast.Server.Tests.Caching;

/// <summary>A clock that runs as the system's, and that a test sets ahead: what becomes due by that runs at once.</summary>
internal sealed class RunningTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly HashSet<SkippingTimer> _timers = [];
    private TimeSpan _ahead;

    public override long TimestampFrequency => Stopwatch.Frequency;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
            return System.GetUtcNow() + _ahead;
    }

    public override long GetTimestamp()
    {
        lock (_lock)
            return System.GetTimestamp() + (long)(_ahead.TotalSeconds * Stopwatch.Frequency);
    }

    public void Advance(TimeSpan by)
    {
        List<SkippingTimer> timers;
        lock (_lock)
        {
            _ahead += by;
            timers = [.. _timers];
        }
        foreach (var timer in timers)
            timer.Skip();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SkippingTimer(this);
        lock (_lock)
            _timers.Add(timer);
        timer.Start(System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SkippingTimer(RunningTime time) : ITimer
    {
        private readonly Lock _timerLock = new();
        private ITimer? _inner;
        private DateTimeOffset? _due;
        private TimeSpan _period;

        public void Start(ITimer inner) => _inner = inner;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_timerLock)
            {
                _due = dueTime == Timeout.InfiniteTimeSpan ? null : time.GetUtcNow() + dueTime;
                _period = period;
                return _inner!.Change(dueTime, period);
            }
        }

        public void Skip()
        {
            lock (_timerLock)
            {
                // What was due before has run, or runs just now; a period is begun anew.
                if (_due is not { } due || _inner is null)
                    return;
                var left = due - time.GetUtcNow();
                _inner.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, _period);
            }
        }

        public void Dispose()
        {
            lock (time._lock)
                time._timers.Remove(this);
            _inner!.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
