using System.Numerics;

namespace Holdfast.Bench.Measure;

/// <summary>
/// Durations in log-linear buckets: 64 per power of two, so that a reported value is at most 1.6 % above the true one
/// and recording is a shift and an increment.
/// </summary>
internal sealed class Histogram
{
    private const int SubBits = 6;
    private const int SubBuckets = 1 << SubBits;

    private readonly long[] _counts = new long[(64 - SubBits) * SubBuckets];

    public long Count { get; private set; }

    public long Max { get; private set; }

    /// <param name="nanoseconds">Negative counts as zero.</param>
    public void Record(long nanoseconds)
    {
        nanoseconds = Math.Max(0, nanoseconds);
        _counts[BucketOf(nanoseconds)]++;
        Count++;
        Max = Math.Max(Max, nanoseconds);
    }

    public void Add(Histogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
        Count += other.Count;
        Max = Math.Max(Max, other.Max);
    }

    /// <param name="share">0.5 for the median, 0.99 for p99.</param>
    /// <returns>Nanoseconds; the upper end of the bucket, so a percentile is never flattered.</returns>
    public long Percentile(double share)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        var seen = 0L;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
                return Math.Min(UpperEnd(i), Max);
        }

        return Max;
    }

    private static int BucketOf(long value)
    {
        if (value < SubBuckets)
            return (int)value;
        var shift = BitOperations.Log2((ulong)value) - SubBits;
        return ((shift + 1) << SubBits) + (int)(value >> shift) - SubBuckets;
    }

    private static long UpperEnd(int bucket)
    {
        if (bucket < SubBuckets)
            return bucket;
        var shift = (bucket >> SubBits) - 1;
        var first = (long)((bucket & (SubBuckets - 1)) + SubBuckets) << shift;
        return first + ((1L << shift) - 1);
    }
}
