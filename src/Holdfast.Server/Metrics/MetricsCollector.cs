using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Metrics;

/// <summary>
/// Listens to the instruments of every meter whose name starts with "Holdfast": those without a scope, and those of this server's scope.
/// Instruments carry Prometheus names from the start (holdfast_..._total, _seconds, _bytes), so that code and dashboards use one name.
/// </summary>
internal sealed partial class MetricsCollector : IDisposable
{
    private readonly ConcurrentDictionary<string, Metric> _metrics = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly Lock _observing = new();
    private readonly Meter _meter;
    private readonly ILogger _log;

    public MetricsCollector(object scope, ILogger log)
    {
        _log = log;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (IsOurs(instrument.Meter, scope))
                listener.EnableMeasurementEvents(instrument, _metrics.GetOrAdd(instrument.Name, static (_, i) => new Metric(i), instrument));
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, labels, metric) => ((Metric)metric!).Record(value, labels));
        _listener.SetMeasurementEventCallback<int>(static (_, value, labels, metric) => ((Metric)metric!).Record((long)value, labels));
        _listener.SetMeasurementEventCallback<double>(static (_, value, labels, metric) => ((Metric)metric!).Record(value, labels));
        _listener.SetMeasurementEventCallback<float>(static (_, value, labels, metric) => ((Metric)metric!).Record((double)value, labels));
        _listener.Start();
        _meter = new Meter("Holdfast.Metrics", null, null, scope);
        _meter.CreateObservableCounter(
            "holdfast_metrics_dropped_series_total",
            () => _metrics.Values.Sum(static metric => metric.Dropped),
            null,
            "Measurements left out because their metric had too many series.");
    }

    /// <summary>Observes what is only looked at on demand, then hands over all metrics in the order of their names.</summary>
    public void Collect(Action<IReadOnlyList<Metric>> write)
    {
        // One scrape at a time: a second one would clear what the first one observed.
        lock (_observing)
        {
            foreach (var metric in _metrics.Values)
                metric.BeforeObservation();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException e)
            {
                // The others were observed all the same.
                ObservationFailed(_log, e);
            }

            write([.. _metrics.Values.OrderBy(static metric => metric.Name, StringComparer.Ordinal)]);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
    }

    private static bool IsOurs(Meter meter, object scope) =>
        meter.Name.StartsWith("Holdfast", StringComparison.Ordinal) && (meter.Scope is null || ReferenceEquals(meter.Scope, scope));

    [LoggerMessage(1101, LogLevel.Warning, "Some metrics could not be observed")]
    private static partial void ObservationFailed(ILogger logger, Exception e);
}
