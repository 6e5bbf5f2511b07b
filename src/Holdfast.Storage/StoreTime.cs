using Holdfast.Storage.Metadata;

namespace Holdfast.Storage;

/// <summary>
/// The time that a store's things are dated by and age by. Two rules make a wrong clock harmless: it never goes back behind what is dated already, and
/// what it gains by a leap counts for no age. So a board that begins in 1970 dates nothing before yesterday, and a clock that is suddenly years
/// ahead makes nothing due.
/// </summary>
public sealed class StoreTime : TimeProvider
{
    /// <summary>More than this against the monotonic clock is a leap. Daemons that keep the time don't do it, once they have it.</summary>
    public static readonly TimeSpan MaxStep = TimeSpan.FromMinutes(1);

    /// <summary>A store that lay still for longer than this did not age meanwhile: nothing tells that from a clock that is wrong at the start.</summary>
    private static readonly TimeSpan MaxGap = TimeSpan.FromDays(1);

    private readonly TimeProvider _system;
    private readonly Lock _lock = new();
    private Anchor _anchor;
    private ClockLeaps _leaps = ClockLeaps.None;

    /// <summary>The time of a store that remembers none.</summary>
    public StoreTime(TimeProvider system)
    {
        _system = system;
        _anchor = new Anchor(system.GetUtcNow(), system.GetTimestamp());
    }

    public override long TimestampFrequency => _system.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => _system.LocalTimeZone;

    /// <summary>How far the store's time is ahead of the machine's clock.</summary>
    public TimeSpan Ahead => GetUtcNow() - _system.GetUtcNow() is var ahead && ahead > TimeSpan.Zero ? ahead : TimeSpan.Zero;

    public static async Task<StoreTime> OpenAsync(MetadataDatabase metadata, TimeProvider system, CancellationToken cancellationToken)
    {
        var time = new StoreTime(system);
        await time.BeginAsync(metadata, cancellationToken);
        return time;
    }

    /// <summary>Goes on where the store's time stood. Before anything is dated by it.</summary>
    public async Task BeginAsync(MetadataDatabase metadata, CancellationToken cancellationToken)
    {
        var (seen, noted, leaps) = await metadata.ReadAsync(
            0, static (db, _) => (ClockRows.FindSeen(db), ClockRows.FindNoted(db), ClockRows.Leaps(db)), cancellationToken);
        lock (_lock)
        {
            _leaps = leaps;
            var (wall, start) = (_system.GetUtcNow(), _system.GetTimestamp());
            _anchor = new Anchor(wall, start);
            if (seen is { } ms)
            {
                var before = DateTimeOffset.FromUnixTimeMilliseconds(ms);
                // From the note and not from what is dated since: the process may have been killed right after a leap, before it noted that.
                var since = DateTimeOffset.FromUnixTimeMilliseconds(noted ?? ms);
                var now = wall > before ? wall : before;
                if (now - since > MaxGap)
                    AddLeap(since, now);
                // If the clock is set right later, that is a leap like any other: what is dated in the meantime isn't older by how long the machine was off.
                if (before > wall)
                    _anchor = new Anchor(before, start);
            }
        }
        try
        {
            await metadata.WriteAsync(
                Look(),
                static (db, moment) =>
                {
                    ClockRows.Put(db, moment.NowMs, moment.Leaps);
                    ClockRows.TakeBack(db, moment.NowMs);
                    return true;
                },
                cancellationToken);
        }
        catch (IOException)
        {
            // On a full disk pulls and deletes go on (P10); it is written down when there is room.
        }
    }

    /// <summary>Writes down how far the time has come: every now and then, and at the end.</summary>
    public Task SaveAsync(MetadataDatabase metadata, CancellationToken cancellationToken)
    {
        Follow();
        return metadata.WriteAsync(
            Look(),
            static (db, moment) =>
            {
                ClockRows.Put(db, moment.NowMs, moment.Leaps);
                return true;
            },
            cancellationToken);
    }

    /// <summary>Now, and what ages are measured by.</summary>
    public StoreMoment Look()
    {
        var now = GetUtcNow(); // First: it may find a leap.
        return new StoreMoment(now.ToUnixTimeMilliseconds(), Volatile.Read(ref _leaps));
    }

    public override DateTimeOffset GetUtcNow()
    {
        var anchor = Volatile.Read(ref _anchor);
        // In this order, so that a thread that is held up here finds no leap.
        var wall = _system.GetUtcNow();
        var passed = anchor.At + _system.GetElapsedTime(anchor.Timestamp);
        return wall - passed > MaxStep ? Leap() : wall > passed ? wall : passed;
    }

    public override long GetTimestamp() => _system.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _system.CreateTimer(callback, state, dueTime, period);

    private DateTimeOffset Leap()
    {
        lock (_lock)
        {
            var (wall, timestamp) = (_system.GetUtcNow(), _system.GetTimestamp());
            var passed = _anchor.At + _system.GetElapsedTime(_anchor.Timestamp, timestamp);
            if (wall - passed <= MaxStep)
                return wall > passed ? wall : passed;
            AddLeap(passed, wall);
            Volatile.Write(ref _anchor, new Anchor(wall, timestamp));
            return wall;
        }
    }

    private void AddLeap(DateTimeOffset from, DateTimeOffset to) =>
        Volatile.Write(ref _leaps, _leaps.With(new ClockLeap(from.ToUnixTimeMilliseconds(), to.ToUnixTimeMilliseconds())));

    // Small steps, such as those of a daemon that keeps the time, are gone along with, so that years of them are no leap.
    private void Follow()
    {
        lock (_lock)
        {
            var (wall, timestamp) = (_system.GetUtcNow(), _system.GetTimestamp());
            var passed = _anchor.At + _system.GetElapsedTime(_anchor.Timestamp, timestamp);
            if (wall >= passed && wall - passed <= MaxStep)
                Volatile.Write(ref _anchor, new Anchor(wall, timestamp));
        }
    }

    /// <param name="At">The store's time at <paramref name="Timestamp"/>.</param>
    private sealed record Anchor(DateTimeOffset At, long Timestamp);
}
