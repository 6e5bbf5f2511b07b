using System.Globalization;
using System.Text;
using Holdfast.Bench.Report;

namespace Holdfast.Report;

internal static class MarkdownReport
{
    // What the tables of figures show of each measurement, in this order, as far as it was measured.
    private static readonly (string Metric, string Title, double Scale)[] Columns =
    [
        ("requestsPerSecond", "per second", 1),
        ("bytesPerSecond", "MB/s", 1e6),
        ("p50Milliseconds", "p50 ms", 1),
        ("p99Milliseconds", "p99 ms", 1),
        ("serverCpuMicrosecondsEach", "server CPU µs each", 1),
        ("serverCpuSeconds", "server CPU s", 1),
        ("serverPeakBytes", "server peak MB", 1e6),
        ("clientCpuSeconds", "generator CPU s", 1),
        ("otherCpuSeconds", "rest of machine CPU s", 1),
        ("firstAnswerSeconds", "first 200 s", 1),
        ("seconds", "seconds", 1),
        ("idleBytes", "idle MB", 1e6),
        ("usedBytes", "used MB", 1e6),
    ];

    /// <param name="notes">Markdown about the machine, versions and sizes, put on top.</param>
    /// <param name="remarks">Markdown about targets that aren't met, put below their table; may be empty.</param>
    /// <param name="folder">Where the charts lie, as seen from the report.</param>
    public static string Write(Results results, string notes, string remarks, IEnumerable<Chart> charts, string folder)
    {
        var text = new StringBuilder("# Benchmarks\n\n").Append(notes.TrimEnd()).Append('\n');
        WriteTargets(text, results);
        if (remarks.Length > 0)
            text.Append('\n').Append(remarks.Trim()).Append('\n');
        text.Append("\n## Charts\n");
        foreach (var chart in charts)
            text.Append($"\n![{chart.Title}]({folder}/{chart.Name}.svg)\n");
        text.Append("\n## Medians (least–most)\n");
        foreach (var figure in results.Figures)
            WriteFigure(text, results, figure);
        return text.ToString();
    }

    private static void WriteTargets(StringBuilder text, Results results)
    {
        text.Append("\n## Targets\n\n| Figure | Target | Median | Rounds | Met |\n|---|---|---:|---:|---|\n");
        foreach (var budget in Budgets.All)
            text.Append($"| {budget.Title} | {budget.Target} | {budget.Measured(results)} | {budget.Between(results)} | {Verdict(budget.IsMet(results))} |\n");
        text.Append("\nMedian: the ratio of the medians over the rounds. Rounds: the least and the greatest ratio within one round. A server with failed requests counts as not measured.\n");

        var verdicts = Budgets.All.Select(budget => budget.IsMet(results)).ToList();
        text.Append(CultureInfo.InvariantCulture, $"\n{verdicts.Count(static met => met == true)} of {verdicts.Count} met, {verdicts.Count(static met => met == false)} not met, {verdicts.Count(static met => met is null)} not measured.\n");
    }

    private static void WriteFigure(StringBuilder text, Results results, string figure)
    {
        var records = results.Of(figure);
        var columns = Columns.Where(column => records.Exists(record => record.Metrics.ContainsKey(column.Metric))).ToList();
        text.Append($"\n### {figure}\n\n| Server | {string.Join(" | ", columns.Select(static column => column.Title))} | Errors |\n|---|");
        text.Append(string.Concat(Enumerable.Repeat("---:|", columns.Count + 1))).Append('\n');
        foreach (var server in records.GroupBy(static record => record.Server, StringComparer.Ordinal))
        {
            var cells = columns.Select(column => Cell(results.Spread(new Reading(figure, server.Key, column.Metric)), column.Scale));
            text.Append(CultureInfo.InvariantCulture, $"| {server.Key} | {string.Join(" | ", cells)} | {server.Sum(static record => record.Errors)} |\n");
        }

        var commands = records.Where(static record => record.Command is not null).GroupBy(static record => record.Command!, StringComparer.Ordinal)
            .Select(static same => $"- {string.Join(", ", same.Select(static record => record.Server).Distinct(StringComparer.Ordinal))}: `{same.Key}`\n").ToList();
        if (commands.Count > 0)
            text.Append('\n').AppendJoin("", commands);
    }

    private static string Cell(Spread? spread, double scale) =>
        spread is null ? ""
        : Print(spread.Least / scale) == Print(spread.Most / scale) ? Print(spread.Median / scale)
        : $"{Print(spread.Median / scale)} ({Print(spread.Least / scale)}–{Print(spread.Most / scale)})";

    private static string Print(double value) =>
        value.ToString(Math.Abs(value) switch { >= 100 => "0", >= 10 => "0.0", >= 1 => "0.00", _ => "0.000" }, CultureInfo.InvariantCulture);

    private static string Verdict(bool? met) => met switch { true => "yes", false => "**no**", null => "–" };
}
