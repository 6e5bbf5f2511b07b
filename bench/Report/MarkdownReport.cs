using System.Globalization;
using System.Text;

namespace Holdfast.Report;

internal static class MarkdownReport
{
    // What the second table shows of each measurement, in this order, as far as it was measured.
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
        ("idleBytes", "idle MB", 1e6),
        ("usedBytes", "used MB", 1e6),
    ];

    /// <param name="notes">Markdown about the machine, versions and sizes, put on top.</param>
    public static string Write(Results results, string notes)
    {
        var text = new StringBuilder("# Measured\n\n").Append(notes.TrimEnd()).Append("\n\n## Targets\n\n");
        text.Append("| Figure | Target | Measured | Met |\n|---|---|---|---|\n");
        foreach (var budget in Budgets.All)
            text.Append($"| {budget.Title} | {budget.Target} | {budget.Measured(results)} | {Verdict(budget.IsMet(results))} |\n");

        text.Append("\nRatios of medians over the rounds. A server with failed requests counts as not measured.\n\n## Medians (least–most)\n");
        foreach (var figure in results.Records.Select(record => record.Figure).Distinct(StringComparer.Ordinal))
            WriteFigure(text, results, figure);
        return text.ToString();
    }

    private static void WriteFigure(StringBuilder text, Results results, string figure)
    {
        var records = results.Records.Where(record => record.Figure == figure).ToList();
        var columns = Columns.Where(column => records.Exists(record => record.Metrics.ContainsKey(column.Metric))).ToList();
        text.Append($"\n### {figure}\n\n| Server | {string.Join(" | ", columns.Select(column => column.Title))} | Errors |\n|---|");
        text.Append(string.Concat(Enumerable.Repeat("---:|", columns.Count + 1))).Append('\n');
        foreach (var server in records.Select(record => record.Server).Distinct(StringComparer.Ordinal))
        {
            var cells = columns.Select(column => Cell(results.Spread(figure, server, column.Metric), column.Scale));
            var errors = records.Where(record => record.Server == server).Sum(record => record.Errors);
            text.Append($"| {server} | {string.Join(" | ", cells)} | {errors} |\n");
        }
    }

    private static string Cell((double Least, double Median, double Most)? spread, double scale) =>
        spread is not var (least, median, most) ? ""
        : Print(least / scale) == Print(most / scale) ? Print(median / scale)
        : $"{Print(median / scale)} ({Print(least / scale)}–{Print(most / scale)})";

    private static string Print(double value) =>
        value.ToString(Math.Abs(value) switch { >= 100 => "0", >= 10 => "0.0", >= 1 => "0.00", _ => "0.000" }, CultureInfo.InvariantCulture);

    private static string Verdict(bool? met) => met switch { true => "yes", false => "**no**", null => "–" };
}
