namespace Holdfast.Bench.Measure;

/// <summary>What one thread counted; tallies are added up at the end, so that counting needs no lock.</summary>
internal sealed class Tally
{
    private readonly Histogram?[] _parts = new Histogram?[2];

    /// <summary>Of the kinds of operations, where a workload mixes two.</summary>
    public IReadOnlyList<Histogram?> Parts => _parts;

    public Dictionary<string, long> Errors { get; } = new(StringComparer.Ordinal);

    /// <summary>Read by others while it grows: close enough for a display.</summary>
    public long Completed { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Stopwatch ticks of the last completion.</summary>
    public long LastEnd { get; private set; }

    public Histogram Latency
    {
        get
        {
            var all = new Histogram();
            foreach (var part in _parts)
            {
                if (part is not null)
                    all.Add(part);
            }
            return all;
        }
    }

    /// <param name="start">Stopwatch ticks; in an open loop when the request was due, not when it left.</param>
    public void Complete(int part, long start, long end, long bytes)
    {
        (_parts[part] ??= new Histogram()).Record(Ticks.ToNanoseconds(end - start));
        Completed++;
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
        for (var i = 0; i < _parts.Length; i++)
        {
            if (other._parts[i] is { } part)
                (_parts[i] ??= new Histogram()).Add(part);
        }
        foreach (var (kind, count) in other.Errors)
            Errors[kind] = Errors.GetValueOrDefault(kind) + count;
        Completed += other.Completed;
        Bytes += other.Bytes;
        LastEnd = Math.Max(LastEnd, other.LastEnd);
    }
}
