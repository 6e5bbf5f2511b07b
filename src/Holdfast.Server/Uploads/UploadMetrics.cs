using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Holdfast.Server.Uploads;

internal static class UploadMetrics
{
    private static readonly Meter Meter = new("Holdfast.Uploads");

    private static readonly ConcurrentDictionary<object, Func<int>> Trackers = new();

    public static readonly Counter<long> ReceivedBytes = Meter.CreateCounter<long>(
        "holdfast_upload_received_bytes_total", description: "Bytes of blobs received, whether or not they became a blob.");

    static UploadMetrics() => Meter.CreateObservableGauge(
        "holdfast_uploads_open", static () => Trackers.Values.Sum(count => count()), description: "Upload sessions that are open.");

    public static void Track(object owner, Func<int> count) => Trackers[owner] = count;

    public static void Untrack(object owner) => Trackers.TryRemove(owner, out _);
}
