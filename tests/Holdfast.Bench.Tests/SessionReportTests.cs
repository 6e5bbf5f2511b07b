using System.Xml.Linq;
using Holdfast.Bench.Loops;
using Holdfast.Bench.Measure;
using Holdfast.Bench.Report;
using Holdfast.Report;
using Shouldly;
using Xunit;
using Record = Holdfast.Report.Record;

namespace Holdfast.Bench.Tests;

public class SessionReportTests
{
    private static readonly Budget Faster = new("", new Reading("f", "a", "m"), [new Reading("f", "b", "m")], AtLeast: true, 2);
    private static readonly Budget Thriftier = new("thrift", new Reading("f", "a", "m"), [new Reading("f", "b", "m"), new Reading("f", "c", "m")], AtLeast: false, 1.15);

    [Fact]
    public void IsMet_Ratio_ComparesMedians()
    {
        Results(("a", 0, [10, 900, 20]), ("b", 0, [10, 10, 10])).ShouldSatisfyAllConditions(
            results => Faster.Value(results).ShouldBe(2),
            results => Faster.IsMet(results).ShouldBe(true));
        Faster.IsMet(Results(("a", 0, [19]), ("b", 0, [10]))).ShouldBe(false);
    }

    [Fact]
    public void IsMet_SeveralPeers_AreAddedUp()
    {
        var results = Results(("a", 0, [11]), ("b", 0, [4]), ("c", 0, [6]));

        Thriftier.Value(results).ShouldBe(1.1);
        Thriftier.IsMet(results).ShouldBe(true);
        Thriftier.Target.ShouldBe("≤ 1.15 × (b + c)");
        Thriftier.IsMet(Results(("a", 0, [12]), ("b", 0, [4]), ("c", 0, [6]))).ShouldBe(false);
        Thriftier.IsMet(Results(("a", 0, [11]), ("b", 0, [40]))).ShouldBeNull();
    }

    [Fact]
    public void Between_SeveralRounds_IsOfRatiosWithinEach()
    {
        var results = Results(("a", 0, [10, 100, 30]), ("b", 0, [10, 50, 20]));

        Faster.Measured(results).ShouldBe("1.5");
        Faster.Between(results).ShouldBe("1–2");
        Faster.Between(Results(("a", 0, [10]))).ShouldBe("");
    }

    [Fact]
    public void IsMet_PeerNotMeasured_IsUnknown() => Faster.IsMet(Results(("a", 0, [19]))).ShouldBeNull();

    [Fact]
    public void IsMet_RequestsFailed_IsUnknown() => Faster.IsMet(Results(("a", 3, [100]), ("b", 0, [10]))).ShouldBeNull();

    [Fact]
    public void IsMet_ValueInItsUnit_IsScaled()
    {
        var small = new Budget("", new Reading("f", "a", "m"), [], AtLeast: false, 110, "MB", 1e6);

        small.IsMet(Results(("a", 0, [109e6]))).ShouldBe(true);
        small.IsMet(Results(("a", 0, [111e6]))).ShouldBe(false);
        small.Measured(Results(("a", 0, [109e6]))).ShouldBe("109 MB");
        small.Between(Results(("a", 0, [109e6, 111e6]))).ShouldBe("109–111");
    }

    [Fact]
    public void Target_OfAnotherFigure_NamesIt() =>
        new Budget("", new Reading("referrers", "a", "m"), [new Reading("manifests", "a", "m")], AtLeast: true, 0.3).Target.ShouldBe("≥ 0.3 × manifests");

    [Fact]
    public void Lines_OfABenchReport_AreARecordForEachRound()
    {
        var line = $$"""{"figure":"push","round":2,"command":"holdfast bench URL","bench":{{BenchReport(("a", 10), ("b", 5)).ToJson().ReplaceLineEndings("")}}}""";

        var records = Lines.Read(line).ToList();

        records.Select(record => (record.Figure, record.Server, record.Round, record.Errors, record.Command)).ShouldBe([("push", "a", 2, 0, "holdfast bench URL"), ("push", "b", 2, 1, "holdfast bench URL")]);
        records[0].Metrics["requestsPerSecond"].ShouldBe(10);
        records[0].Metrics["p99Milliseconds"].ShouldBe(3);
        records[0].Metrics.ContainsKey("serverCpuSeconds").ShouldBeFalse();
        records[0].Origin!.DataSet.SizeBytes.ShouldBe(1_000_000);
    }

    [Fact]
    public void Lines_OfARecord_AreThatRecord()
    {
        var record = Lines.Read("""{"figure":"start","server":"a","round":1,"errors":0,"metrics":{"seconds":0.3}}""").ShouldHaveSingleItem();

        (record.Figure, record.Server, record.Round, record.Metrics["seconds"], record.Command).ShouldBe(("start", "a", 1, 0.3, null));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("nonsense")]
    [InlineData("{\"figure\":\"f\",\"round\":1,\"bench\":{}}")]
    [InlineData("{\"figure\":\"f\",\"bench\":{\"format\":1}}")]
    public void Lines_OfSomethingElse_AreRefused(string line) =>
        Should.Throw<InvalidDataException>(() => Lines.Read(line).ToList()).Message.ShouldContain(line);

    [Fact]
    public void Charts_OfAFigure_HoldEveryServerOfIt()
    {
        var bench = Lines.Read($$"""{"figure":"push","round":1,"bench":{{BenchReport(("holdfast", 10)).ToJson().ReplaceLineEndings("")}}}""");
        var dd = new Record("push", "dd", 1, 0, new Dictionary<string, double>(StringComparer.Ordinal) { ["bytesPerSecond"] = 20e6 });

        var chart = Charts.Draw(new Results([.. bench, dd])).ShouldHaveSingleItem();

        chart.Name.ShouldBe("pushes");
        XDocument.Parse(chart.Svg).ToString().ShouldSatisfyAllConditions(
            svg => svg.ShouldContain("push, 1 MB, 16 connections"), svg => svg.ShouldContain(">holdfast<"), svg => svg.ShouldContain(">dd<"), svg => svg.ShouldContain("holdfast 9.9, 2026-11-22"));
    }

    [Fact]
    public void Charts_WithoutMeasurements_AreNone() => Charts.Draw(Results(("a", 0, [1]))).ShouldBeEmpty();

    [Fact]
    public void Report_TargetNotMet_SaysSoWithItsFigures()
    {
        Record Pushed(string server, double perSecond) => new("small-push-16", server, 1, 0, new Dictionary<string, double>(StringComparer.Ordinal) { ["requestsPerSecond"] = perSecond }) { Command = "holdfast bench URL" };
        var results = new Results([Pushed("holdfast", 150), Pushed("docker-registry", 100)]);

        var text = MarkdownReport.Write(results, "the machine\n", "# Why\n", [new Chart("pushes", "Pushes", "")], "bench");

        text.ShouldStartWith("# Benchmarks\n\nthe machine\n");
        text.ShouldContain("16 clients, durable; the peer doesn't sync | ≥ 2 × docker-registry | 1.5 | 1.5–1.5 | **no** |");
        text.ShouldContain($"\n0 of {Budgets.All.Count} met, 1 not met, {Budgets.All.Count - 1} not measured.\n\n# Why\n");
        text.ShouldContain("![Pushes](bench/pushes.svg)");
        text.ShouldContain("| holdfast | 150 | 0 |");
        text.ShouldContain("- holdfast, docker-registry: `holdfast bench URL`\n");
    }

    private static Results Results(params (string Server, long Errors, double[] Values)[] servers) =>
        new([.. servers.SelectMany(server => server.Values.Select((value, i) =>
            new Record("f", server.Server, i + 1, server.Errors, new Dictionary<string, double>(StringComparer.Ordinal) { ["m"] = value })))]);

    // The last of several has a failure.
    private static BenchReport BenchReport(params (string Server, double PerSecond)[] servers)
    {
        var dataSet = new BenchPlan { Workloads = [Workload.Push], Sizes = [1_000_000], Seed = 1 }.Scenarios()[0].DataSet;
        return new BenchReport
        {
            Program = "holdfast 9.9",
            Begun = new DateTimeOffset(2026, 11, 22, 0, 0, 0, TimeSpan.Zero),
            Machine = new GeneratorMachine(2, "Linux"),
            Servers = [.. servers.Select(static one => new ServerOfReport(one.Server, "http://x", false))],
            Measurements = [new Comparison(dataSet, dataSet.Id(), [.. servers.Select((server, i) => new ServerResult(server.Server, [RoundOf(server.PerSecond, i > 0 ? 1 : 0)]))])],
        };
    }

    private static Round RoundOf(double perSecond, long errors) => new()
    {
        Completed = 10,
        Seconds = 1,
        RequestsPerSecond = perSecond,
        BytesPerSecond = perSecond * 1e6,
        LatencyMilliseconds = new Percentiles(1, 2, 3, 4, 5),
        Errors = new Dictionary<string, long>(StringComparer.Ordinal) { ["timeout"] = errors },
        ClientCpuSeconds = 0.1,
    };
}
