namespace Holdfast.Server.Http;

/// <summary>So many lines a second and no more (P10). Reads leave a quarter of each second's lines to what matters more.</summary>
internal sealed class LineBudget(int linesPerSecond, TimeProvider time)
{
    private readonly int _ordinary = Math.Max(1, linesPerSecond - (linesPerSecond / 4));
    private long _second;
    private int _taken;

    /// <returns>False: this second's lines are used up.</returns>
    public bool TryTake(bool important)
    {
        var second = time.GetTimestamp() / time.TimestampFrequency;
        if (Interlocked.Exchange(ref _second, second) != second)
            Volatile.Write(ref _taken, 0);

        // Read first: a flood of refused lines must not wrap the counter, and costs one read each.
        var limit = important ? linesPerSecond : _ordinary;
        return Volatile.Read(ref _taken) < limit && Interlocked.Increment(ref _taken) <= limit;
    }
}
