using Holdfast.Report;
using Shouldly;
using Xunit;
using Record = Holdfast.Report.Record;

namespace Holdfast.Bench.Tests;

public class SessionReportTests
{
    private static readonly Budget Faster = new("", new Reading("f", "a", "m"), new Reading("f", "b", "m"), AtLeast: true, 2);

    [Fact]
    public void IsMet_Ratio_ComparesMedians()
    {
        Results(("a", 0, [10, 900, 20]), ("b", 0, [10, 10, 10])).ShouldSatisfyAllConditions(
            results => Faster.Value(results).ShouldBe(2),
            results => Faster.IsMet(results).ShouldBe(true));
        Faster.IsMet(Results(("a", 0, [19]), ("b", 0, [10]))).ShouldBe(false);
    }

    [Fact]
    public void IsMet_PeerNotMeasured_IsUnknown() => Faster.IsMet(Results(("a", 0, [19]))).ShouldBeNull();

    [Fact]
    public void IsMet_RequestsFailed_IsUnknown() => Faster.IsMet(Results(("a", 3, [100]), ("b", 0, [10]))).ShouldBeNull();

    [Fact]
    public void IsMet_ValueInItsUnit_IsScaled()
    {
        var small = new Budget("", new Reading("f", "a", "m"), null, AtLeast: false, 110, "MB", 1e6);

        small.IsMet(Results(("a", 0, [109e6]))).ShouldBe(true);
        small.IsMet(Results(("a", 0, [111e6]))).ShouldBe(false);
        small.Measured(Results(("a", 0, [109e6]))).ShouldBe("109 MB");
    }

    private static Results Results(params (string Server, long Errors, double[] Values)[] servers) =>
        new([.. servers.SelectMany(server => server.Values.Select((value, i) =>
            new Record("f", server.Server, i + 1, server.Errors, new Dictionary<string, double>(StringComparer.Ordinal) { ["m"] = value })))]);
}
