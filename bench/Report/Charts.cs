using Holdfast.Bench.Measure;
using Holdfast.Bench.Report;

namespace Holdfast.Report;

/// <summary>The session's pictures, drawn as `holdfast bench --svg` draws its own: one for each kind of work, one below the other for each figure.</summary>
internal static class Charts
{
    private static readonly IReadOnlyList<(string Name, string Title, string[] Beginnings)> All =
    [
        ("reads", "Manifests, HEAD and pages", ["manifest-", "head", "tags-", "referrers-"]),
        ("pulls", "Pulls of layers", ["pull-"]),
        ("pulls-tls", "Pulls of layers over TLS", ["tls-pull-"]),
        ("pushes", "Pushes", ["push", "small-push-"]),
        ("beside", "Pulls beside pushers, collection and scrub", ["beside"]),
        ("large", "A store of a million manifests beside an empty one", ["large-"]),
    ];

    /// <returns>Those that something was measured for.</returns>
    public static IReadOnlyList<Chart> Draw(Results results) =>
        [.. All.Select(chart => (chart.Name, chart.Title, Report: Gather(results, chart.Beginnings))).Where(static one => one.Report is not null).Select(static one => new Chart(one.Name, one.Title, SvgChart.Write(one.Report!)))];

    private static BenchReport? Gather(Results results, string[] beginnings)
    {
        var figures = results.Figures.Where(figure => Array.Exists(beginnings, beginning => figure.StartsWith(beginning, StringComparison.Ordinal)))
            .Select(figure => Compare(results.Of(figure))).OfType<(Origin Origin, Comparison Measured)>().ToList();
        if (figures.Count == 0)
            return null;
        var origin = figures[0].Origin;
        return new BenchReport { Program = origin.Program, Begun = origin.Begun, Machine = origin.Machine, Servers = [], Measurements = [.. figures.Select(static one => one.Measured)] };
    }

    // The servers of a figure did the same work, be it by different means: nginx sends a file, dd writes one. The title is that of the registries' work.
    private static (Origin Origin, Comparison Measured)? Compare(List<Record> records)
    {
        var origins = records.Select(static record => record.Origin).OfType<Origin>().ToList();
        if ((origins.Find(static one => one.DataSet.Workload != "get") ?? origins.FirstOrDefault()) is not { } origin)
            return null;
        var servers = records.GroupBy(static record => record.Server, StringComparer.Ordinal).Select(static server => new ServerResult(server.Key, [.. server.Select(RoundOf)]));
        return (origin, new Comparison(origin.DataSet, origin.DataSet.Id(), [.. servers]));
    }

    private static Round RoundOf(Record record)
    {
        double Of(string metric) => record.Metrics.GetValueOrDefault(metric);

        return new Round
        {
            Completed = 0,
            Seconds = 0,
            RequestsPerSecond = Of("requestsPerSecond"),
            BytesPerSecond = Of("bytesPerSecond"),
            LatencyMilliseconds = new Percentiles(Of("p50Milliseconds"), Of("p90Milliseconds"), Of("p99Milliseconds"), Of("p999Milliseconds"), Of("maxMilliseconds")),
            Errors = record.Errors == 0 ? new Dictionary<string, long>(StringComparer.Ordinal) : new Dictionary<string, long>(StringComparer.Ordinal) { ["failed"] = record.Errors },
            ClientCpuSeconds = Of("clientCpuSeconds"),
        };
    }
}

/// <param name="Name">Of its file, without ending.</param>
internal sealed record Chart(string Name, string Title, string Svg);
