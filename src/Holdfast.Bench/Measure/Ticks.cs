using System.Diagnostics;

namespace Holdfast.Bench.Measure;

/// <summary>Stopwatch ticks to other units.</summary>
internal static class Ticks
{
    private static readonly double NanosecondsPerTick = 1e9 / Stopwatch.Frequency;

    public static long ToNanoseconds(long ticks) => (long)(ticks * NanosecondsPerTick);

    public static double ToSeconds(long ticks) => (double)ticks / Stopwatch.Frequency;

    public static long FromSeconds(double seconds) => (long)(seconds * Stopwatch.Frequency);
}
