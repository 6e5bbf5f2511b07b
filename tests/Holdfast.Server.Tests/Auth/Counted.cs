using System.Diagnostics.Metrics;

namespace Holdfast.Server.Tests.Auth;

/// <summary>What one counter of the server counts while this lives; and looks at gauges.</summary>
internal sealed class Counted : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly List<(string Instrument, long Value, Dictionary<string, object?> Tags)> _seen = [];

    public Counted(string counter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Holdfast.Server")
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
        Counter = counter;
    }

    private string Counter { get; }

    public long Sum(Func<Dictionary<string, object?>, bool> tags)
    {
        lock (_seen)
            return _seen.Where(s => s.Instrument == Counter && tags(s.Tags)).Sum(s => s.Value);
    }

    public long Observe(string gauge, string tag, string value)
    {
        _listener.RecordObservableInstruments();
        lock (_seen)
            return _seen.Last(s => s.Instrument == gauge && Equals(s.Tags[tag], value)).Value;
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_seen)
            _seen.Add((instrument.Name, value, new Dictionary<string, object?>(tags.ToArray(), StringComparer.Ordinal)));
    }
}
