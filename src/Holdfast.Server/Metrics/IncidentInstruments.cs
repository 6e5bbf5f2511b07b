using System.Diagnostics.Metrics;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Metrics;

/// <summary>What is open. Every kind is always there, so that a rule can tell "none" from "no such metric".</summary>
internal sealed class IncidentInstruments : IDisposable
{
    private readonly Meter _meter;

    public IncidentInstruments(object scope, OpenCounts open)
    {
        _meter = new Meter("Holdfast.Incidents.Open", null, null, scope);
        _meter.CreateObservableGauge(
            "holdfast_incidents_open",
            () => IncidentKinds.List.Select(kind => new Measurement<long>(open.Of(kind), new KeyValuePair<string, object?>("kind", kind.Name()))),
            null,
            "Incidents that are open, acknowledged ones included, by kind.");
        _meter.CreateObservableGauge("holdfast_incidents_acknowledged", () => open.Acknowledged, null, "Open incidents that somebody has acknowledged.");
    }

    public void Dispose() => _meter.Dispose();
}
