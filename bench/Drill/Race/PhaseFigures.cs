using System.Globalization;
using Holdfast.Bench.Measure;

namespace Holdfast.Drill.Race;

/// <summary>Latencies from when each push and each pull was due, with and without collection and scrub beside them.</summary>
internal sealed record PhaseFigures(
    int Pairs, double QuietPushP99Milliseconds, double WorkingPushP99Milliseconds, double PushRatio, double MedianPushRatio,
    double QuietPullP99Milliseconds, double WorkingPullP99Milliseconds, double PullRatio, double MedianPullRatio, double ReviewsWhileWorking, double BlobsHashedWhileWorking)
{
    /// <param name="phases">In pairs: without, with.</param>
    public static PhaseFigures Of(IReadOnlyList<(PhaseTally Quiet, PhaseTally Working)> phases, double reviews, double hashed)
    {
        var (quietPush, workingPush) = (Merged(phases, p => p.Quiet.Pushes), Merged(phases, p => p.Working.Pushes));
        var (quietPull, workingPull) = (Merged(phases, p => p.Quiet.Pulls), Merged(phases, p => p.Working.Pulls));
        return new PhaseFigures(
            phases.Count, quietPush, workingPush, workingPush / quietPush, Median(phases.Select(p => P99(p.Working.Pushes) / P99(p.Quiet.Pushes))),
            quietPull, workingPull, workingPull / quietPull, Median(phases.Select(p => P99(p.Working.Pulls) / P99(p.Quiet.Pulls))), reviews, hashed);
    }

    /// <summary>For people: from without to with.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"p99 of pushes {QuietPushP99Milliseconds:0.0} to {WorkingPushP99Milliseconds:0.0} ms ({PushRatio:0.00} times), of pulls {QuietPullP99Milliseconds:0.0} to {WorkingPullP99Milliseconds:0.0} ms ({PullRatio:0.00} times)");

    private static double Merged(IReadOnlyList<(PhaseTally Quiet, PhaseTally Working)> phases, Func<(PhaseTally Quiet, PhaseTally Working), Histogram> choose)
    {
        var all = new Histogram();
        foreach (var phase in phases)
            all.Add(choose(phase));
        return P99(all);
    }

    private static double P99(Histogram histogram) => histogram.Percentile(0.99) / 1e6;

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}

/// <summary>One phase's latencies, from all of its clients.</summary>
internal sealed class PhaseTally
{
    private readonly Lock _lock = new();

    public Histogram Pushes { get; } = new();

    public Histogram Pulls { get; } = new();

    public void Record(Histogram histogram, TimeSpan took)
    {
        lock (_lock)
            histogram.Record((long)took.TotalNanoseconds);
    }
}
