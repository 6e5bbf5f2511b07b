using System.Text.Json.Nodes;
using System.Xml.Linq;
using Holdfast.Bench.Loops;
using Holdfast.Bench.Measure;
using Holdfast.Bench.Report;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class BenchReportTests
{
    private static readonly DataSet Push = new BenchPlan { Workloads = [Workload.Push], Sizes = [1_000_000], Seed = 1 }.Scenarios()[0].DataSet;

    [Fact]
    public void Read_OfWhatWasWritten_IsTheSameReport()
    {
        var report = Report(Push, ("a", [10, 30, 20]), ("b", [5, 5, 5]));

        var read = BenchReport.Read(report.ToJson(), "x");

        read.ToJson().ShouldBe(report.ToJson());
        read.Measurements[0].DataSet.ShouldBe(Push);
        read.Measurements[0].Results[0].Find("requestsPerSecond").ShouldBe(new Spread(20, 10, 30));
    }

    [Theory]
    [InlineData("", "no report")]
    [InlineData("{}", "no report of `holdfast bench --json`: line 1: lacks 'format'")]
    [InlineData("{\"format\":1,\n\"program\":\"x\",\"machine\":{\"cores\":2}}", "line 2, $.machine: lacks 'system'")]
    [InlineData("{\"format\":1,\"servers\":null}", "line 1, $.servers: can't be read")]
    [InlineData("{\"format\":2}", "newer program (format 2; 1 is known here)")]
    [InlineData("[1]", "no report")]
    [InlineData("null", "no report")]
    [InlineData("{\"format\":2", "no report")]
    public void Read_OfSomethingElse_IsRefused(string json, string said) => Should.Throw<BenchFault>(() => BenchReport.Read(json, "x.json")).Message.ShouldSatisfyAllConditions(
        message => message.ShouldContain(said), message => message.ShouldStartWith("x.json"));

    [Theory]
    [InlineData("servers", "null", "null stands")]
    [InlineData("servers", "{\"name\":\"a\",\"url\":\"\",\"tls\":false}", "two of its servers are called a")]
    [InlineData("measurements", "null", "null stands")]
    [InlineData("measurements.0.results", "null", "null stands")]
    [InlineData("measurements.0.results", "{\"server\":\"c\",\"rounds\":[],\"figures\":{}}", "results of c, which is none of its servers")]
    [InlineData("measurements.0.results.0.rounds", "null", "null stands")]
    [InlineData("notMeasured", "null", "null stands")]
    [InlineData("measurements.0.results", "{\"server\":\"a\",\"rounds\":[],\"figures\":{}}", "no rounds")]
    public void Read_OfAReportWithAnEntryThatMeansNothing_IsRefused(string list, string entry, string said)
    {
        var json = JsonNode.Parse(Report(Push, ("a", [10])).ToJson())!;
        BenchReport.Read(json.ToJsonString(), "x").ShouldNotBeNull();
        var place = json;
        foreach (var step in list.Split('.'))
            place = step == "0" ? place![0] : place![step];
        place!.AsArray().Add(JsonNode.Parse(entry));

        var message = Should.Throw<BenchFault>(() => BenchReport.Read(json.ToJsonString(), "x")).Message;
        message.ShouldStartWith("x is no report of `holdfast bench --json`: ");
        message.ShouldContain(said);
    }

    [Theory]
    [InlineData("parts", "{\"pull\":null}", "null stands")]
    [InlineData("completed", "-1", "below 0")]
    [InlineData("errors", "{\"timeout\":-1}", "below 0")]
    public void Read_OfARoundThatMeansNothing_IsRefused(string member, string value, string said)
    {
        var json = JsonNode.Parse(Report(Push, ("a", [10])).ToJson())!;
        json["measurements"]![0]!["results"]![0]!["rounds"]![0]![member] = JsonNode.Parse(value);

        Should.Throw<BenchFault>(() => BenchReport.Read(json.ToJsonString(), "x")).Message.ShouldContain(said);
    }

    [Fact]
    public void Read_OfANewerFormat_IsRefused() =>
        Should.Throw<BenchFault>(() => BenchReport.Read((Report(Push, ("a", [1])) with { Format = 99 }).ToJson(), "x")).Message.ShouldContain("newer program");

    [Fact]
    public void Table_OfSeveralServers_HasMediansSpreadAndRatio()
    {
        var table = MarkdownTable.Write(Report(Push, ("a", [10, 30, 20]), ("b", [40, 40, 40])));

        table.ShouldStartWith("### push, 1 MB, 16 connections, closed loop\n\n| server |");
        var rows = table.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Select(line => line.Split('|', StringSplitOptions.TrimEntries)).ToList();
        rows.Select(row => row.Length).Distinct().ShouldHaveSingleItem();
        rows[0].ShouldContain("× a");
        rows[1][1..3].ShouldBe(["a", "20.0 (10.0–30.0)"]);
        rows[2][1..3].ShouldBe(["b", "40.0"]);
        rows[2][^3..^1].ShouldBe(["2.00", "0"]);
    }

    [Fact]
    public void Table_OfAServerWithFailures_HasNoRatioAndTheirKinds()
    {
        var report = Report(Push, ("a", [10]), ("b", [40]));
        var failing = report.Measurements[0].Results[1];
        failing = failing with { Rounds = [failing.Rounds[0] with { Errors = new Dictionary<string, long>(StringComparer.Ordinal) { ["status 507"] = 3 } }] };
        var table = MarkdownTable.Write(report with { Measurements = [report.Measurements[0] with { Results = [report.Measurements[0].Results[0], failing] }] });

        table.ShouldContain(" **3** |");
        table.ShouldContain("b: 3 × status 507");
        table.Split('\n').Single(line => line.StartsWith("| b ", StringComparison.Ordinal)).ShouldContain("–");
    }

    [Fact]
    public void Table_BesideAServerThatCouldNotBeMeasured_SaysWhy()
    {
        var report = Report(Push, ("a", [10])) with { NotMeasured = [new Unmeasured("b", Push, "it has no room"), new Unmeasured("c", Push with { Connections = 1 }, "elsewhere")] };

        var table = MarkdownTable.Write(report);

        table.ShouldContain("\nb: not measured: it has no room\n");
        table.ShouldNotContain("elsewhere");
        MarkdownTable.Write(Merging.Merge([("x.json", report)]).Merged!).ShouldBe(table);
    }

    [Fact]
    public void Table_OfAServerThatAnsweredNothing_ShowsNoLatency()
    {
        var report = Report(Push, ("a", [0]));
        var silent = report.Measurements[0].Results[0].Rounds[0] with { Completed = 0, LatencyMilliseconds = new Percentiles(0, 0, 0, 0, 0) };
        var both = report.Measurements[0] with { Results = [new ServerResult("a", [silent]), Report(Push, ("b", [5])).Measurements[0].Results[0]] };

        var row = MarkdownTable.Write(report with { Measurements = [both] }).Split('\n').Single(line => line.StartsWith("| a ", StringComparison.Ordinal));

        row.Split('|', StringSplitOptions.TrimEntries)[4..9].ShouldAllBe(cell => cell == "–");
    }

    [Fact]
    public void Chart_OfAnyNames_IsXmlThatFitsItsFrame()
    {
        var chart = XDocument.Parse(SvgChart.Write(Report(Push, ("<a & \"b\">", [10, 30, 20]), ("a very long name of a server that goes on", [1e9, 1e9, 1e9]))));

        var width = double.Parse(chart.Root!.Attribute("width")!.Value, System.Globalization.CultureInfo.InvariantCulture);
        var bars = chart.Descendants().Where(one => one.Name.LocalName == "rect" && one.Attribute("class") is not null).ToList();
        bars.Count.ShouldBe(2);
        bars.Select(Right).ShouldAllBe(right => right < width);
        // The bar of the faster one is the whole width, the other's is next to nothing.
        Length(bars[1]).ShouldBeGreaterThan(200);
        Length(bars[0]).ShouldBeLessThan(1);
        chart.ToString().ShouldContain("prefers-color-scheme");
    }

    [Fact]
    public void Merge_OfTwoOfTheSame_PutsThemSideBySide()
    {
        var (merged, problems) = Merging.Merge([("before.json", Report(Push, ("a", [10]))), ("after.json", Report(Push, ("a", [20]), ("b", [5])))]);

        problems.ShouldBeEmpty();
        merged!.Measurements.ShouldHaveSingleItem().Results.Select(one => one.Server).ShouldBe(["a (before.json)", "a (after.json)", "b"]);
    }

    [Fact]
    public void Merge_OfDifferentDataSets_IsRefusedWithWhatDiffers()
    {
        var (merged, problems) = Merging.Merge([("a.json", Report(Push, ("a", [10]))), ("b.json", Report(Push with { Connections = 4, SizeBytes = 5 }, ("a", [20])))]);

        merged.ShouldBeNull();
        problems.ShouldBe(["push: sizeBytes is 1000000 in a.json and 5 in b.json", "push: connections is 16 in a.json and 4 in b.json"], ignoreOrder: true);
    }

    [Fact]
    public void Merge_OfAWorkloadThatOneLacks_IsRefused()
    {
        var (one, other) = (Report(Push, ("a", [10])), Report(Push with { Workload = "pull" }, ("a", [20])));

        Merging.Merge([("a.json", one), ("b.json", other)]).Problems.ShouldBe(
            ["push, 1 MB, 16 connections, closed loop: a.json has it, b.json does not", "pull, 1 MB, 16 connections, closed loop: b.json has it, a.json does not"]);
        Merging.Merge([("a.json", one), ("b.json", one with { Complete = false })]).Problems.ShouldBe(["b.json was stopped before its end"]);
    }

    private static double Length(XElement bar) => double.Parse(bar.Attribute("width")!.Value, System.Globalization.CultureInfo.InvariantCulture);

    private static double Right(XElement bar) => Length(bar) + double.Parse(bar.Attribute("x")!.Value, System.Globalization.CultureInfo.InvariantCulture);

    private static BenchReport Report(DataSet dataSet, params (string Server, double[] Rates)[] servers) => new()
    {
        Program = "test",
        Begun = DateTimeOffset.UnixEpoch,
        Machine = new GeneratorMachine(2, "Linux"),
        Servers = [.. servers.Select(one => new ServerOfReport(one.Server, "http://x", false, null))],
        Measurements = [new Comparison(dataSet, dataSet.Id(), [.. servers.Select(one => new ServerResult(one.Server, [.. one.Rates.Select(RoundOf)]))])],
    };

    private static Round RoundOf(double rate) => new()
    {
        Completed = 1000,
        Seconds = 1,
        RequestsPerSecond = rate,
        BytesPerSecond = rate * 1e6,
        LatencyMilliseconds = new Percentiles(1, 2, 3, 4, 5),
        Errors = new Dictionary<string, long>(StringComparer.Ordinal),
        ClientCpuSeconds = 0.1,
    };
}
