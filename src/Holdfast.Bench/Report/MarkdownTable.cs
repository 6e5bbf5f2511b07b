using System.Text;

namespace Holdfast.Bench.Report;

/// <summary>A table for each data set, to be read in a terminal or pasted into a page.</summary>
internal static class MarkdownTable
{
    // What is shown of each server, in this order, as far as any of them has it.
    private static readonly (string Figure, string Title, double Scale)[] Columns =
    [
        ("requestsPerSecond", "per second", 1),
        ("bytesPerSecond", "MB/s", 1e6),
        ("p50Milliseconds", "p50 ms", 1),
        ("p90Milliseconds", "p90 ms", 1),
        ("p99Milliseconds", "p99 ms", 1),
        ("p999Milliseconds", "p99.9 ms", 1),
        ("maxMilliseconds", "max ms", 1),
        ("serverCpuMicrosecondsEach", "server CPU µs each", 1),
        ("serverCpuSeconds", "server CPU s", 1),
        ("serverPeakBytes", "server peak MB", 1e6),
        ("clientCpuSeconds", "generator CPU s", 1),
        ("otherCpuSeconds", "rest of machine CPU s", 1),
    ];

    public static string Write(BenchReport report)
    {
        var text = new StringBuilder();
        foreach (var measured in report.Measurements)
            Append(text, measured, report.NotMeasured.Where(one => one.DataSet == measured.DataSet));
        return text.ToString().TrimStart('\n');
    }

    private static void Append(StringBuilder text, Comparison measured, IEnumerable<Unmeasured> missing)
    {
        var columns = Columns.Where(column => measured.Results.Any(result => result.Find(column.Figure) is not null)).ToList();
        var compares = measured.Results.Count > 1;
        text.Append($"\n### {measured.DataSet.Title()}\n\n");
        var titles = columns.Select(static column => column.Title).Prepend("server").Concat(compares ? [$"× {measured.Results[0].Server}"] : []).Append("errors");
        var rows = measured.Results.Select(result => Row(result, columns, compares ? measured.Results[0] : null)).Prepend([.. titles]).ToList();
        var widths = Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(row => row[column].Length)).ToList();
        for (var row = 0; row < rows.Count; row++)
        {
            text.Append("| ").AppendJoin(" | ", rows[row].Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).Append(" |\n");
            if (row == 0)
                text.Append('|').AppendJoin('|', widths.Select((width, column) => column == 0 ? new string('-', width + 2) : new string('-', width + 1) + ":")).Append("|\n");
        }
        foreach (var result in measured.Results)
            AppendRemarks(text, result);
        foreach (var one in missing)
            text.Append($"\n{one.Server}: not measured: {one.Reason}\n");
    }

    private static void AppendRemarks(StringBuilder text, ServerResult result)
    {
        var lines = result.Errors.OrderByDescending(static error => error.Value).Select(static error => $"{Quantities.Count(error.Value)} × {error.Key}")
            .Concat(result.Rounds.SelectMany(static round => round.Parts ?? new Dictionary<string, PartOfRound>(StringComparer.Ordinal)).GroupBy(static part => part.Key, StringComparer.Ordinal).Select(Part))
            .Concat(result.Notes).ToList();
        if (lines.Count > 0)
            text.Append($"\n{result.Server}: {string.Join("; ", lines)}.\n");
    }

    private static string Part(IGrouping<string, KeyValuePair<string, PartOfRound>> part)
    {
        if (part.All(static one => one.Value.Completed == 0))
            return $"{part.Key}: 0";
        var (p50, p99) = (Spread.Of(part.Select(static one => one.Value.LatencyMilliseconds.P50)), Spread.Of(part.Select(static one => one.Value.LatencyMilliseconds.P99)));
        return $"{part.Key}: {Quantities.Count(part.Sum(static one => one.Value.Completed))}, p50 {Quantities.Number(p50.Median)} ms, p99 {Quantities.Number(p99.Median)} ms";
    }

    private static List<string> Row(ServerResult result, IReadOnlyList<(string Figure, string Title, double Scale)> columns, ServerResult? first) =>
    [
        result.Server,
        .. columns.Select(column => Cell(result.Find(column.Figure), column.Scale)),
        .. first is null ? Array.Empty<string>() : [Ratio(result, first)],
        result.Failed == 0 ? "0" : $"**{Quantities.Count(result.Failed)}**",
    ];

    // Failures are fast: beside a server that has them, a ratio would flatter one of the two.
    private static string Ratio(ServerResult result, ServerResult first) =>
        result.Failed + first.Failed > 0 || first.Find("requestsPerSecond") is not { Median: > 0 } one || result.Find("requestsPerSecond") is not { } other ? "–" : Quantities.Number(other.Median / one.Median);

    private static string Cell(Spread? spread, double scale)
    {
        if (spread is null)
            return "–";
        var (median, least, most) = (Quantities.Number(spread.Median / scale), Quantities.Number(spread.Least / scale), Quantities.Number(spread.Most / scale));
        return least == most ? median : $"{median} ({least}–{most})";
    }
}
