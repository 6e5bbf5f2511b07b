namespace Holdfast.Server.Http;

/// <summary>Holds work to a rate. One user at a time.</summary>
/// <param name="perSecond">Bytes, files, whatever; <see cref="long.MaxValue"/>: no limit.</param>
internal sealed class Pace(long perSecond, TimeProvider time)
{
    // Sleeps shorter than this aren't kept by any timer; what is owed is gathered meanwhile.
    private static readonly TimeSpan Worth = TimeSpan.FromMilliseconds(20);

    private long _last = time.GetTimestamp();
    private double _owedSeconds;

    /// <summary>Returns when so much more may be done.</summary>
    public ValueTask WaitAsync(int amount, CancellationToken cancellationToken)
    {
        if (perSecond == long.MaxValue)
            return default;
        var now = time.GetTimestamp();
        // What was not used is not saved up: a pause is followed by the rate, not by a burst.
        _owedSeconds = Math.Max(0, _owedSeconds - time.GetElapsedTime(_last, now).TotalSeconds) + ((double)amount / perSecond);
        _last = now;
        var owed = TimeSpan.FromSeconds(_owedSeconds);
        return owed < Worth ? default : new(Task.Delay(owed, time, cancellationToken));
    }
}
