using System.Text.Json.Serialization;
using Holdfast.Bench.Measure;

namespace Holdfast.Bench.Report;

/// <summary>What one measurement of one server found. Its names are those of the JSON, which only ever grows.</summary>
internal sealed record Round
{
    public required long Completed { get; init; }

    public required double Seconds { get; init; }

    public required double RequestsPerSecond { get; init; }

    public required double BytesPerSecond { get; init; }

    public required Percentiles LatencyMilliseconds { get; init; }

    /// <summary>The kinds of operations of a workload that mixes them; null where there is one.</summary>
    public IReadOnlyDictionary<string, PartOfRound>? Parts { get; init; }

    /// <summary>By kind: "status 503", "timeout", "connection reset".</summary>
    public required IReadOnlyDictionary<string, long> Errors { get; init; }

    /// <summary>The generator's own; when it comes near the number of cores times the seconds, it limits what it measures.</summary>
    public required double ClientCpuSeconds { get; init; }

    /// <summary>Null without --pid, as the next ones.</summary>
    public double? ServerCpuSeconds { get; init; }

    public double? ServerCpuMicrosecondsEach { get; init; }

    public long? ServerPeakBytes { get; init; }

    /// <summary>What the rest of the machine used: writing back pages, and whoever else disturbs the measurement.</summary>
    public double? OtherCpuSeconds { get; init; }

    /// <summary>True: a process of --pid ended by then, so that what it used is not known.</summary>
    public bool? ServerEnded { get; init; }

    [JsonIgnore]
    public long Failed => Errors.Values.Sum();

    /// <summary>The figures of which medians are taken, by the names that they have in JSON.</summary>
    public IEnumerable<(string Name, double? Value)> Figures() =>
    [
        ("requestsPerSecond", RequestsPerSecond), ("bytesPerSecond", BytesPerSecond),
        ("p50Milliseconds", Latency(LatencyMilliseconds.P50)), ("p90Milliseconds", Latency(LatencyMilliseconds.P90)), ("p99Milliseconds", Latency(LatencyMilliseconds.P99)),
        ("p999Milliseconds", Latency(LatencyMilliseconds.P999)), ("maxMilliseconds", Latency(LatencyMilliseconds.Max)), ("clientCpuSeconds", ClientCpuSeconds),
        ("serverCpuSeconds", ServerCpuSeconds), ("serverCpuMicrosecondsEach", ServerCpuMicrosecondsEach), ("serverPeakBytes", ServerPeakBytes), ("otherCpuSeconds", OtherCpuSeconds),
    ];

    // Nothing succeeded: that took no time is not what a median should hear.
    private double? Latency(double milliseconds) => LatencyMilliseconds.Max > 0 ? milliseconds : null;
}

internal sealed record PartOfRound(long Completed, Percentiles LatencyMilliseconds);
