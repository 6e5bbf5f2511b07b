using Holdfast.Bench.Measure;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class HistogramTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(1_000_003)]
    [InlineData(86_400_000_000_000)]
    [InlineData(long.MaxValue)]
    public void Percentile_OfOneValueBelowALarger_IsAtMostOnePart64Above(long value)
    {
        var histogram = new Histogram();
        histogram.Record(value);
        histogram.Record(long.MaxValue);

        histogram.Percentile(0.5).ShouldBeInRange(value, (long)Math.Min(long.MaxValue, value * (1 + (1 / 64m))));
    }

    [Fact]
    public void Percentile_OfAThousandValues_IsTheRankedOne()
    {
        var histogram = new Histogram();
        foreach (var value in Enumerable.Range(1, 1000).Reverse())
            histogram.Record(value * 1_000_000L);

        (histogram.Percentile(0.5) / 1e6).ShouldBeInRange(500, 508);
        (histogram.Percentile(0.99) / 1e6).ShouldBeInRange(990, 1000);
        histogram.Percentile(0.999).ShouldBeLessThanOrEqualTo(histogram.Max);
        histogram.Max.ShouldBe(1_000_000_000);
    }

    [Fact]
    public void Add_OfTwo_CountsBoth()
    {
        var one = new Histogram();
        var other = new Histogram();
        one.Record(5);
        other.Record(7);
        one.Add(other);

        one.Count.ShouldBe(2);
        one.Percentile(0.5).ShouldBe(5);
        one.Percentile(1).ShouldBe(7);
    }
}
