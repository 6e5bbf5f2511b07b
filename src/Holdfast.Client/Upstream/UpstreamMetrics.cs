using System.Diagnostics.Metrics;

namespace Holdfast.Client;

/// <summary>The meter <c>Holdfast.Upstream</c>: what is asked of one mirror of one cache.</summary>
internal sealed class UpstreamMetrics(string cache, string host)
{
    private static readonly Meter Meter = new("Holdfast.Upstream");

    private static readonly Counter<long> Requests = Meter.CreateCounter<long>(
        "holdfast_upstream_requests_total", description: "Questions to an upstream by what came of them, redirects and tokens included in each, and transfers that broke for good.");

    private static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "holdfast_upstream_retries_total", description: "Questions that were put again because no mirror had answered.");

    private static readonly Histogram<double> FirstByte = Meter.CreateHistogram<double>(
        "holdfast_upstream_first_byte_seconds", "s", "From a request to an upstream to its answer's head, redirects followed.");

    private static readonly Counter<long> Bytes = Meter.CreateCounter<long>(
        "holdfast_upstream_received_bytes_total", description: "Bytes of content received from upstreams.");

    private static readonly Gauge<int> Resting = Meter.CreateGauge<int>(
        "holdfast_upstream_resting", description: "1 from a mirror's failure on to its next good answer, else 0.");

    private static readonly Gauge<long> Limit = Meter.CreateGauge<long>(
        "holdfast_upstream_ratelimit_limit", description: "Requests that the upstream grants, as it last said.");

    private static readonly Gauge<long> Remaining = Meter.CreateGauge<long>(
        "holdfast_upstream_ratelimit_remaining", description: "Those that remain, as it last said.");

    private readonly KeyValuePair<string, object?> _cache = new("cache", cache);
    private readonly KeyValuePair<string, object?> _upstream = new("upstream", host);

    public void Count(RegistryOutcome outcome) => Requests.Add(1, _cache, _upstream, new("outcome", NameOf(outcome)));

    public void CountRetry() => Retries.Add(1, _cache, _upstream);

    public void RecordFirstByte(TimeSpan took) => FirstByte.Record(took.TotalSeconds, _cache, _upstream);

    public void CountBytes(int count) => Bytes.Add(count, _cache, _upstream);

    public void ShowResting(bool resting) => Resting.Record(resting ? 1 : 0, _cache, _upstream);

    public void Show(RateLimit limit)
    {
        if (limit.Limit is { } granted)
            Limit.Record(granted, _cache, _upstream);
        if (limit.Remaining is { } left)
            Remaining.Record(left, _cache, _upstream);
    }

#pragma warning disable CS8524 // A forgotten named member doesn't compile; a default arm would hide it.
    private static string NameOf(RegistryOutcome outcome) => outcome switch
    {
        RegistryOutcome.Found => "found",
        RegistryOutcome.Unknown => "unknown",
        RegistryOutcome.Denied => "denied",
        RegistryOutcome.SlowDown => "slow-down",
        RegistryOutcome.Unavailable => "unavailable",
        RegistryOutcome.Mismatch => "mismatch",
        RegistryOutcome.Unusable => "unusable",
    };
#pragma warning restore CS8524
}
