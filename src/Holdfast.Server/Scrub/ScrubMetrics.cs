using System.Diagnostics.Metrics;
using Holdfast.Server.Http;

namespace Holdfast.Server.Scrub;

internal static class ScrubMetrics
{
    private static readonly Meter Meter = new("Holdfast.Scrub");
    private static readonly Counter<long> Bytes = Meter.CreateCounter<long>("holdfast_scrub_bytes_total", "By", "Bytes hashed by the scrub.");
    private static readonly Counter<long> Blobs = Meter.CreateCounter<long>(
        "holdfast_scrub_blobs_total", "{blob}", "Blobs and manifests checked by the scrub, by outcome.");
    private static readonly Counter<long> Swept = Meter.CreateCounter<long>("holdfast_scrub_swept_files_total", "{file}", "Files looked at by the sweep.");
    private static readonly Gauge<long> LastRun = Meter.CreateGauge<long>(
        "holdfast_scrub_last_timestamp_seconds", null, "When each check last came to its end, Unix time.");
    private static readonly Gauge<long> OldestVerified = Meter.CreateGauge<long>(
        "holdfast_scrub_oldest_verified_timestamp_seconds", null, "When the blob was hashed whose last hash is the longest ago, Unix time.");
    private static readonly Histogram<double> SweepDuration = Meter.CreateHistogram<double>(
        "holdfast_scrub_sweep_duration_seconds", "s", "From the start of a sweep to its end.");

    public static void Checked(BlobVerdict verdict) => Blobs.Add(1, new KeyValuePair<string, object?>("outcome", verdict.Name()));

    public static void Hashed(int bytes) => Bytes.Add(bytes);

    public static void End(string check, DateTimeOffset at) =>
        LastRun.Record(at.ToUnixTimeSeconds(), new KeyValuePair<string, object?>("check", check));

    public static void NoteOldest(long verifiedAtMs) => OldestVerified.Record(verifiedAtMs / 1000);

    public static void EndSweep(long files, TimeSpan took)
    {
        Swept.Add(files);
        SweepDuration.Record(took.TotalSeconds);
    }
}
