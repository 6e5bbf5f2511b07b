namespace Holdfast.Server.Metrics;

/// <summary>One line of a metric: its labels and what was measured. Recording neither locks nor allocates.</summary>
internal sealed class Series
{
    private readonly KeyValuePair<string, object?>[] _labels;
    private readonly double[] _bounds;
    private readonly long[] _buckets;
    private long _whole;
    private double _fraction;

    /// <param name="labels">Copied.</param>
    /// <param name="hash">Of the labels.</param>
    /// <param name="bounds">A histogram's upper bounds; none for everything else.</param>
    public Series(ReadOnlySpan<KeyValuePair<string, object?>> labels, int hash, double[] bounds)
    {
        _labels = labels.ToArray();
        _bounds = bounds;
        _buckets = bounds.Length == 0 ? [] : new long[bounds.Length + 1];
        Hash = hash;
    }

    public int Hash { get; }

    public ReadOnlySpan<KeyValuePair<string, object?>> Labels => _labels;

    /// <summary>Measurements in each bucket, not yet summed up; the last one has no upper bound.</summary>
    public IEnumerable<long> Buckets => _buckets;

    /// <summary>A histogram's sum, else the value.</summary>
    public double Value => Volatile.Read(ref _whole) + Volatile.Read(ref _fraction);

    public void Add(long value) => Interlocked.Add(ref _whole, value);

    public void Add(double value)
    {
        var seen = Volatile.Read(ref _fraction);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref _fraction, seen + value, seen);
            if (before.Equals(seen))
                return;
            seen = before;
        }
    }

    public void Set(double value) => Volatile.Write(ref _fraction, value);

    public void Observe(double value)
    {
        var bucket = 0;
        while (bucket < _bounds.Length && value > _bounds[bucket])
            bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
        Add(value);
    }

    public bool HasLabels(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (labels.Length != _labels.Length)
            return false;
        for (var i = 0; i < labels.Length; i++)
        {
            if (!Equals(labels[i].Value, _labels[i].Value) || !string.Equals(labels[i].Key, _labels[i].Key, StringComparison.Ordinal))
                return false;
        }

        return true;
    }
}
