using System.Diagnostics.Metrics;
using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Metrics;

/// <summary>What the blob store lies on. A store without a bound shows no free and total bytes.</summary>
internal sealed class StoreInstruments : IDisposable
{
    private readonly Meter _meter;

    public StoreInstruments(object scope, IBlobStore blobs, long reserveBytes)
    {
        _meter = new Meter("Holdfast.Store", null, null, scope);
        _meter.CreateObservableGauge(
            "holdfast_disk_free_bytes", () => Measure(blobs, static space => space.FreeBytes), null, "Free bytes under the blob store.");
        _meter.CreateObservableGauge(
            "holdfast_disk_total_bytes", () => Measure(blobs, static space => space.TotalBytes), null, "Size of what the blob store lies on.");
        _meter.CreateObservableGauge("holdfast_disk_reserve_bytes", () => reserveBytes, null, "Free bytes below which pushes are refused.");
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Measure(IBlobStore blobs, Func<StoreSpace, long> figure) =>
        blobs.MeasureSpace() is { } space ? [new Measurement<long>(figure(space))] : [];
}
