namespace Holdfast.Load.Measure;

/// <summary>What one thread counted; tallies are added up at the end, so that counting needs no lock.</summary>
internal sealed class Tally
{
    public Histogram Latency { get; } = new();

    public Dictionary<string, long> Errors { get; } = new(StringComparer.Ordinal);

    public long Bytes { get; private set; }

    /// <summary>Stopwatch ticks of the last completion.</summary>
    public long LastEnd { get; private set; }

    /// <param name="start">Stopwatch ticks; in an open loop when the request was due, not when it left.</param>
    public void Complete(long start, long end, long bytes)
    {
        Latency.Record(Ticks.ToNanoseconds(end - start));
        Bytes += bytes;
        LastEnd = Math.Max(LastEnd, end);
    }

    public void Fail(string kind, long end)
    {
        Errors[kind] = Errors.GetValueOrDefault(kind) + 1;
        LastEnd = Math.Max(LastEnd, end);
    }

    public void Add(Tally other)
    {
        Latency.Add(other.Latency);
        foreach (var (kind, count) in other.Errors)
            Errors[kind] = Errors.GetValueOrDefault(kind) + count;
        Bytes += other.Bytes;
        LastEnd = Math.Max(LastEnd, other.LastEnd);
    }
}
