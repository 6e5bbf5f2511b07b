using System.Globalization;
using System.Text;
using Holdfast.Load.Measure;

namespace Holdfast.Load.Run;

/// <summary>What one measurement found. Its names are those of the JSON output.</summary>
internal sealed record RunResult
{
    public required string Workload { get; init; }

    public required string Url { get; init; }

    public required int Connections { get; init; }

    public required double? Rate { get; init; }

    public required long? Size { get; init; }

    public required ulong Seed { get; init; }

    public required double Seconds { get; init; }

    public required long Completed { get; init; }

    public required double PerSecond { get; init; }

    public required double BytesPerSecond { get; init; }

    public required Percentiles LatencyMilliseconds { get; init; }

    public required IReadOnlyDictionary<string, long> Errors { get; init; }

    /// <summary>The generator's own; when it comes near the number of cores times the seconds, it limits what it measures.</summary>
    public required double ClientCpuSeconds { get; init; }

    public double? ServerCpuSeconds { get; init; }

    public long? ServerPeakBytes { get; init; }

    /// <summary>What the rest of the machine used: writing back pages, and whoever else disturbs the measurement.</summary>
    public double? OtherCpuSeconds { get; init; }

    public double? ServerCpuMicroseconds => ServerCpuSeconds * 1e6 / Math.Max(1, Completed);

    public static RunResult Of(RunOptions options, Tally total, double seconds, TimeSpan clientCpu)
    {
        seconds = Math.Max(seconds, 1e-9);
        return new RunResult
        {
            Workload = options.Workload.ToString(),
            Url = options.Url,
            Connections = options.Connections,
            Rate = options.Rate,
            Size = options.Workload is Run.Workload.Pull or Run.Workload.Push or Run.Workload.SmallPush ? options.Size : null,
            Seed = options.Seed,
            Seconds = seconds,
            Completed = total.Latency.Count,
            PerSecond = total.Latency.Count / seconds,
            BytesPerSecond = total.Bytes / seconds,
            LatencyMilliseconds = Percentiles.Of(total.Latency),
            Errors = total.Errors,
            ClientCpuSeconds = clientCpu.TotalSeconds,
        };
    }

    public string ToText()
    {
        var text = new StringBuilder();
        var l = LatencyMilliseconds;
        Line(text, $"{Workload} on {Url}, {Connections} connections{(Rate is null ? "" : $", {Rate:0.#} a second due")}");
        Line(text, $"  completed   {Completed} in {Seconds:0.00} s, {PerSecond:0.0}/s, {Quantity.FormatSize(BytesPerSecond)}/s");
        Line(text, $"  latency ms  p50 {l.P50:0.000}  p90 {l.P90:0.000}  p99 {l.P99:0.000}  p99.9 {l.P999:0.000}  max {l.Max:0.000}");
        if (ServerCpuSeconds is not null)
            Line(text, $"  server      {ServerCpuSeconds:0.00} CPU s, {ServerCpuMicroseconds:0.0} µs each, peak {Quantity.FormatSize(ServerPeakBytes ?? 0)}");
        Line(text, $"  generator   {ClientCpuSeconds:0.00} CPU s{(OtherCpuSeconds is null ? "" : $", rest of the machine {OtherCpuSeconds:0.00}")}");
        foreach (var (kind, count) in Errors)
            Line(text, $"  error       {count} × {kind}");
        return text.ToString();
    }

    /// <summary>The figures that <c>report</c> takes medians of.</summary>
    public Dictionary<string, double> Metrics()
    {
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["perSecond"] = PerSecond,
            ["bytesPerSecond"] = BytesPerSecond,
            ["p50Milliseconds"] = LatencyMilliseconds.P50,
            ["p99Milliseconds"] = LatencyMilliseconds.P99,
            ["clientCpuSeconds"] = ClientCpuSeconds,
        };
        if (ServerCpuSeconds is { } cpu)
        {
            metrics["serverCpuSeconds"] = cpu;
            metrics["serverCpuMicroseconds"] = ServerCpuMicroseconds ?? 0;
            metrics["otherCpuSeconds"] = OtherCpuSeconds ?? 0;
            metrics["serverPeakBytes"] = ServerPeakBytes ?? 0;
        }

        return metrics;
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
