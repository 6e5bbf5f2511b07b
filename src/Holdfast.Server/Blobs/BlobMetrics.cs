using System.Diagnostics.Metrics;

namespace Holdfast.Server.Blobs;

internal static class BlobMetrics
{
    private static readonly Meter Meter = new("Holdfast.Blobs");

    public static readonly Counter<long> Damaged = Meter.CreateCounter<long>(
        "holdfast_blob_reads_damaged_total", description: "Reads of a linked blob whose bytes were missing or of the wrong size.");
}
