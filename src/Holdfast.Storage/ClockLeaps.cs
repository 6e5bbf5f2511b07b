namespace Holdfast.Storage;

/// <summary>Where the store's time went on from one value to a later one without that time having passed in between.</summary>
public readonly record struct ClockLeap(long FromMs, long ToMs);

/// <summary>All of them, the earliest first; none overlaps another. Ages are measured without them.</summary>
public sealed class ClockLeaps(IReadOnlyList<ClockLeap> leaps)
{
    public static readonly ClockLeaps None = new([]);

    // A clock that leaps every day for months is not worth more rows (P10).
    private const int Max = 100;

    public IReadOnlyList<ClockLeap> List => leaps;

    /// <summary>With a later one. Beyond the bound the two earliest become one: what lies between them doesn't count either, so ages are only shorter.</summary>
    public ClockLeaps With(ClockLeap leap) => leaps.Count < Max
        ? new ClockLeaps([.. leaps, leap])
        : new ClockLeaps([new ClockLeap(leaps[0].FromMs, leaps[1].ToMs), .. leaps.Skip(2), leap]);
}

/// <summary>A moment of the store's time, from which ages are measured.</summary>
public sealed record StoreMoment(long NowMs, ClockLeaps Leaps)
{
    public static StoreMoment At(long nowMs) => new(nowMs, ClockLeaps.None);

    /// <summary>The date since when so much time has passed: what is dated then or before is at least so old.</summary>
    public long AgoMs(TimeSpan age) => AgoMs((long)age.TotalMilliseconds);

    /// <inheritdoc cref="AgoMs(TimeSpan)"/>
    public long AgoMs(long ageMs)
    {
        var (at, left) = (NowMs, ageMs);
        for (var i = Leaps.List.Count - 1; i >= 0; i--)
        {
            var leap = Leaps.List[i];
            if (leap.ToMs > at)
                continue; // Of a moment later than this one.
            if (at - leap.ToMs >= left)
                break;
            left -= at - leap.ToMs;
            at = leap.FromMs;
        }
        return at - left;
    }

    /// <summary>When so much time will have passed since a date, if the time leaps no more.</summary>
    public long AfterMs(long dateMs, TimeSpan span) => AfterMs(dateMs, (long)span.TotalMilliseconds);

    /// <inheritdoc cref="AfterMs(long,TimeSpan)"/>
    public long AfterMs(long dateMs, long spanMs)
    {
        var (at, left) = (dateMs, spanMs);
        foreach (var leap in Leaps.List)
        {
            if (leap.ToMs <= at)
                continue;
            if (leap.FromMs - at >= left)
                break;
            left -= Math.Max(0, leap.FromMs - at);
            at = leap.ToMs;
        }
        return at + left;
    }
}
