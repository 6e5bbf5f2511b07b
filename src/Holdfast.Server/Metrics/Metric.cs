using System.Diagnostics.Metrics;

namespace Holdfast.Server.Metrics;

internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One metric: everything that instruments of one name measured.</summary>
internal sealed class Metric
{
    /// <summary>Series per metric. Labels are ours and few; this holds if one is ever not (P10).</summary>
    public const int MaxSeries = 2_000;

    // From a manifest out of memory to a large layer over a slow line.
    private static readonly double[] SecondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    // From a push that repairs at once to a donor that comes back after a week.
    private static readonly double[] LongSecondsBounds = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 604_800];

    // 1 KiB to 16 GiB in steps of four.
    private static readonly double[] BytesBounds = [.. Enumerable.Range(0, 13).Select(static n => 1024 * Math.Pow(4, n))];
    private static readonly double[] CountBounds = [.. Enumerable.Range(0, 11).Select(static n => Math.Pow(2, n))];

    private readonly SeriesTable _series;
    private readonly bool _isObservable;

    // A measurement is the value itself rather than a change of it.
    private readonly bool _isSet;
    private long _dropped;

    public Metric(Instrument instrument)
    {
        Name = instrument.Name;
        Help = instrument.Description ?? "";
        _isObservable = instrument.IsObservable;
        _isSet = _isObservable || IsGauge(instrument);
        Kind = KindOf(instrument);
        Bounds = Kind == MetricKind.Histogram ? BoundsFor(Name) : [];
        _series = new SeriesTable(MaxSeries, Bounds);
    }

    public string Name { get; }

    public string Help { get; }

    public MetricKind Kind { get; }

    public double[] Bounds { get; }

    /// <summary>Measurements lost because there were too many series.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    public IReadOnlyList<Series> All() => _series.All();

    public void Record(long value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (_series.Find(labels) is not { } series)
            Interlocked.Increment(ref _dropped);
        else if (Kind == MetricKind.Histogram)
            series.Observe(value);
        else if (_isSet)
            series.Set(value);
        else
            series.Add(value);
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (_series.Find(labels) is not { } series)
            Interlocked.Increment(ref _dropped);
        else if (Kind == MetricKind.Histogram)
            series.Observe(value);
        else if (_isSet)
            series.Set(value);
        else
            series.Add(value);
    }

    /// <summary>Forgets what was observed last, so that what is no longer observed no longer shows.</summary>
    public void BeforeObservation()
    {
        if (_isObservable)
            _series.Clear();
    }

    private static bool IsGauge(Instrument instrument) => instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Gauge<>);

    private static MetricKind KindOf(Instrument instrument)
    {
        var type = instrument.GetType();
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        if (definition == typeof(Counter<>) || definition == typeof(ObservableCounter<>))
            return MetricKind.Counter;
        return definition == typeof(Histogram<>) ? MetricKind.Histogram : MetricKind.Gauge;
    }

    private static double[] BoundsFor(string name)
    {
        if (name.EndsWith("_heal_duration_seconds", StringComparison.Ordinal))
            return LongSecondsBounds;
        if (name.EndsWith("_seconds", StringComparison.Ordinal))
            return SecondsBounds;
        return name.EndsWith("_bytes", StringComparison.Ordinal) ? BytesBounds : CountBounds;
    }
}
