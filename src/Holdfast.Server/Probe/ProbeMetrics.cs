using System.Diagnostics.Metrics;
using Holdfast.Client.Probe;

namespace Holdfast.Server.Probe;

/// <summary>What the server's look at itself found, under the names that alerts on registries already read. No repository is named: the page is open to all.</summary>
internal static class ProbeMetrics
{
    private static readonly Meter Meter = new("Holdfast.Probe");
    private static readonly Gauge<long> Failures = Meter.CreateGauge<long>(
        "registry_manifest_integrity_failures", null, "Objects of tags that are missing, wrong or could not be checked, as last looked at.");
    private static readonly Gauge<long> Accessible = Meter.CreateGauge<long>(
        "registry_manifest_integrity_catalog_accessible", null, "1 if the last round could list repositories, at least one.");
    private static readonly Gauge<long> Repositories = Meter.CreateGauge<long>(
        "registry_manifest_integrity_repos_checked", null, "Repositories with tags that the last finished round checked.");
    private static readonly Gauge<long> Tags = Meter.CreateGauge<long>(
        "registry_manifest_integrity_tags_checked", null, "Tags that the last finished round checked.");
    private static readonly Gauge<long> Indexes = Meter.CreateGauge<long>(
        "registry_manifest_integrity_indexes_checked", null, "Indexes that the last finished round checked.");
    private static readonly Gauge<long> LastRun = Meter.CreateGauge<long>(
        "registry_manifest_integrity_last_run_timestamp", null, "When a round last came to its end, Unix time.");
    private static readonly Gauge<long> OldestCheck = Meter.CreateGauge<long>(
        "holdfast_probe_oldest_check_timestamp_seconds", null, "When the tag was checked that has waited the longest for it, Unix time; 0: one was never checked.");
    private static readonly Counter<long> Read = Meter.CreateCounter<long>(
        "holdfast_probe_read_bytes_total", "By", "Bytes that the server's look at itself has read and hashed.");

    public static void Note(ProbeRound round, ProbeMemory memory)
    {
        var instance = new KeyValuePair<string, object?>("instance", round.Instance);
        Accessible.Record(round.CatalogAccessible ? 1 : 0, instance);
        Read.Add(round.Counts.BytesRead, instance);
        if (!round.IsFinished)
            return;
        Failures.Record(memory.Tags.Values.Sum(static state => (long)state.Failures), instance);
        Repositories.Record(round.Repositories, instance);
        Tags.Record(round.Tags, instance);
        Indexes.Record(round.Counts.Indexes, instance);
        LastRun.Record(memory.LastRunAt, instance);
        if (!memory.Tags.IsEmpty)
            OldestCheck.Record(memory.Tags.Values.Min(static state => state.CheckedAt), instance);
    }
}
