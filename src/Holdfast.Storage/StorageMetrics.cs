using System.Diagnostics.Metrics;

namespace Holdfast.Storage;

/// <summary>The meter <c>Holdfast.Storage</c>. Durations are in seconds and are only taken while something listens.</summary>
internal static class StorageMetrics
{
    public const string FileTarget = "file";
    public const string FolderTarget = "folder";

    private static readonly Meter Meter = new("Holdfast.Storage");

    private static readonly Histogram<double> DatabaseDuration = Meter.CreateHistogram<double>(
        "holdfast_database_duration_seconds", "s", "What a query or change took its caller, from the call to the durable commit");

    private static readonly Histogram<int> DatabaseBatch = Meter.CreateHistogram<int>(
        "holdfast_database_batch_size", "{change}", "Changes that shared one durable commit");

    private static readonly Histogram<double> BlobSync = Meter.CreateHistogram<double>(
        "holdfast_blob_sync_duration_seconds", "s", "What syncing a blob's bytes (file) or name (folder) took");

    public static bool TimesDatabase => DatabaseDuration.Enabled;

    public static void RecordRead(TimeSpan duration) => DatabaseDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("operation", "read"));

    public static void RecordWrite(TimeSpan duration) => DatabaseDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("operation", "write"));

    public static void RecordBatch(int changes) => DatabaseBatch.Record(changes);

    public static void RecordSync(TimeSpan duration, string target) =>
        BlobSync.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("target", target));
}
