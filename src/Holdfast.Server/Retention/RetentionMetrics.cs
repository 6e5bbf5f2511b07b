using System.Diagnostics.Metrics;

namespace Holdfast.Server.Retention;

internal static class RetentionMetrics
{
    private static readonly Meter Meter = new("Holdfast.Retention");

    private static readonly Counter<long> Runs = Meter.CreateCounter<long>(
        "holdfast_retention_runs_total", "{run}", "Retention runs: done, stopped (a guard held something back), failed.");

    public static readonly Counter<long> Removed = Meter.CreateCounter<long>(
        "holdfast_retention_removed_total", "{image}", "Images that retention moved to the trash.");

    private static readonly Gauge<double> LastRun = Meter.CreateGauge<double>(
        "holdfast_retention_last_run_timestamp_seconds", "s", "When a rule last ran to its end, by itself or by command.");

    public static void Ran(string outcome) => Runs.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public static void Ended(string rule, long atMs) => LastRun.Record(atMs / 1000.0, new KeyValuePair<string, object?>("rule", rule));
}
