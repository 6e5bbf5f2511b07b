using System.Diagnostics.Metrics;

namespace Holdfast.Server.Collection;

internal static class CollectionMetrics
{
    private static readonly Meter Meter = new("Holdfast.Collection");

    private static readonly Counter<long> Runs = Meter.CreateCounter<long>(
        "holdfast_collection_runs_total", description: "Runs of the collection that came to their end.");

    public static readonly Counter<long> Freed = Meter.CreateCounter<long>(
        "holdfast_collection_freed_bytes_total", description: "Bytes of blobs that were removed because nothing referred to them.");

    private static readonly Counter<long> Reviews = Meter.CreateCounter<long>(
        "holdfast_collection_reviews_total", description: "Rows of the trash and of the review queues that were looked at, by what became of them.");

    private static readonly Gauge<long> Queue = Meter.CreateGauge<long>(
        "holdfast_collection_queue_length", description: "Rows in the trash and the review queues, due or not, after the last run.");

    private static readonly Gauge<double> LastRun = Meter.CreateGauge<double>(
        "holdfast_collection_last_run_timestamp_seconds", description: "When a run last came to its end.");

    public static void Count(string queue, string outcome, long rows) =>
        Reviews.Add(rows, new KeyValuePair<string, object?>("queue", queue), new KeyValuePair<string, object?>("outcome", outcome));

    public static void NoteEnd(DateTimeOffset end)
    {
        Runs.Add(1);
        LastRun.Record(end.ToUnixTimeMilliseconds() / 1000.0);
    }

    public static void Show(QueueLengths lengths)
    {
        Queue.Record(lengths.Trash, new KeyValuePair<string, object?>("queue", "trash"));
        Queue.Record(lengths.Manifests, new KeyValuePair<string, object?>("queue", "manifests"));
        Queue.Record(lengths.Links, new KeyValuePair<string, object?>("queue", "links"));
        Queue.Record(lengths.Blobs, new KeyValuePair<string, object?>("queue", "blobs"));
    }
}
