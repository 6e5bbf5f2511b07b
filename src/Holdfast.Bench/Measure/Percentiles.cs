namespace Holdfast.Bench.Measure;

/// <summary>Latencies in milliseconds.</summary>
internal sealed record Percentiles(double P50, double P90, double P99, double P999, double Max)
{
    public static Percentiles Of(Histogram histogram) =>
        new(At(histogram, 0.5), At(histogram, 0.9), At(histogram, 0.99), At(histogram, 0.999), histogram.Max / 1e6);

    private static double At(Histogram histogram, double share) => histogram.Percentile(share) / 1e6;
}
