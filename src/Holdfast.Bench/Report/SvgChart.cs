using System.Globalization;
using System.Net;
using System.Text;

namespace Holdfast.Bench.Report;

/// <summary>
/// One picture of a report: for each data set the servers' throughput as bars, with what the rounds varied between, and their latency from p50 to p99.
/// It needs nothing but a browser, and follows its choice of light or dark.
/// </summary>
internal static class SvgChart
{
    private const int Width = 920;
    private const int Margin = 16;
    private const int RowHeight = 26;
    private const int BarHeight = 14;
    private const int TitleHeight = 30;
    private const int HeadHeight = 18;
    private const int Gap = 18;
    private const int NameWidth = 150;
    private const int BarsX = Margin + NameWidth;
    private const int BarsWidth = 300;
    private const int LatencyX = BarsX + BarsWidth + 130;
    private const int LatencyWidth = Width - LatencyX - 120 - Margin;
    private const int MaxNameChars = 22;

    private const string Style = """
        <style>
        :root{--back:#ffffff;--text:#1f2328;--dim:#59636e;--line:#d1d9e0;--bar:#2f6fd0;--first:#1a7f5a;--bad:#c0392b}
        @media (prefers-color-scheme:dark){:root{--back:#0d1117;--text:#f0f6fc;--dim:#9198a1;--line:#3d444d;--bar:#5b9bf5;--first:#3fb98a;--bad:#ff7b72}}
        text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--text)}
        .title{font-weight:600;font-size:14px}.dim{fill:var(--dim);font-size:11px}.bad{fill:var(--bad)}
        .bar{fill:var(--bar)}.first{fill:var(--first)}.axis{stroke:var(--line)}.spread{stroke:var(--text);stroke-width:1.5}
        .range{stroke:var(--bar);stroke-width:4;stroke-linecap:round}.range.f{stroke:var(--first)}.p50{fill:var(--text)}
        </style>
        """;

    public static string Write(BenchReport report)
    {
        var text = new StringBuilder();
        var y = Margin;
        foreach (var measured in report.Measurements)
            y = Append(text, measured, y);
        text.Append(Invariant($"<text class=\"dim\" x=\"{Margin}\" y=\"{y + 4}\">{Escape($"{report.Program}, {report.Begun:yyyy-MM-dd}, {report.Machine.Cores} cores; medians, thin lines from least to most")}</text>\n"));
        return Invariant($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {y + Margin}\" width=\"{Width}\" height=\"{y + Margin}\" role=\"img\" aria-label=\"{Escape(Label(report))}\">\n")
            + Style + "\n" + Invariant($"<rect width=\"{Width}\" height=\"{y + Margin}\" style=\"fill:var(--back)\"/>\n") + text + "</svg>\n";
    }

    private static int Append(StringBuilder text, Comparison measured, int y)
    {
        // Where bytes are moved, bytes a second say more: a request may be a gigabyte.
        var bytes = measured.DataSet.SizeBytes >= 100_000 && measured.DataSet.Workload != "head";
        var figure = bytes ? "bytesPerSecond" : "requestsPerSecond";
        var most = Math.Max(1e-9, measured.Results.Max(result => result.Find(figure)?.Most ?? 0));
        var slowest = Math.Max(1e-9, measured.Results.Max(static result => result.Find("p99Milliseconds")?.Median ?? 0));
        text.Append(Invariant($"<text class=\"title\" x=\"{Margin}\" y=\"{y + 14}\">{Escape(measured.DataSet.Title())}</text>\n"));
        y += TitleHeight;
        text.Append(Invariant($"<text class=\"dim\" x=\"{BarsX}\" y=\"{y}\">{(bytes ? "bytes" : "requests")} a second</text><text class=\"dim\" x=\"{LatencyX}\" y=\"{y}\">latency, p50 to p99</text>\n"));
        y += HeadHeight - 10;
        var rows = measured.Results.Count;
        text.Append(Invariant($"<line class=\"axis\" x1=\"{BarsX}\" y1=\"{y}\" x2=\"{BarsX}\" y2=\"{y + (rows * RowHeight)}\"/><line class=\"axis\" x1=\"{LatencyX}\" y1=\"{y}\" x2=\"{LatencyX}\" y2=\"{y + (rows * RowHeight)}\"/>\n"));
        for (var row = 0; row < rows; row++)
            AppendRow(text, measured.Results[row], y + (row * RowHeight), row == 0, (figure, bytes, most, slowest));
        return y + (rows * RowHeight) + Gap;
    }

    private static void AppendRow(StringBuilder text, ServerResult result, int y, bool isFirst, (string Figure, bool Bytes, double Most, double Slowest) scale)
    {
        var (top, middle, line) = (y + ((RowHeight - BarHeight) / 2), y + (RowHeight / 2), y + (RowHeight / 2) + 4);
        text.Append(Invariant($"<text x=\"{BarsX - 8}\" y=\"{line}\" text-anchor=\"end\">{Escape(Shorten(result.Server))}</text>"));
        if (result.Find(scale.Figure) is { } rate)
        {
            var (length, least, most) = (X(rate.Median / scale.Most, BarsWidth), X(rate.Least / scale.Most, BarsWidth), X(rate.Most / scale.Most, BarsWidth));
            var label = scale.Bytes ? Quantities.Bytes(rate.Median) + "/s" : Quantities.Number(rate.Median) + "/s";
            text.Append(Invariant($"<rect class=\"{(isFirst ? "first" : "bar")}\" x=\"{BarsX}\" y=\"{top}\" width=\"{length}\" height=\"{BarHeight}\" rx=\"2\"/>"));
            if (rate.Most > rate.Least)
                text.Append(Invariant($"<line class=\"spread\" x1=\"{BarsX + least}\" y1=\"{middle}\" x2=\"{BarsX + most}\" y2=\"{middle}\"/>"));
            text.Append(Invariant($"<text x=\"{BarsX + Math.Max(length, most) + 6}\" y=\"{line}\">{label}</text>"));
        }
        if (result.Find("p50Milliseconds") is { } p50 && result.Find("p99Milliseconds") is { } p99)
        {
            var (from, to) = (X(p50.Median / scale.Slowest, LatencyWidth), X(p99.Median / scale.Slowest, LatencyWidth));
            text.Append(Invariant($"<line class=\"range{(isFirst ? " f" : "")}\" x1=\"{LatencyX + from}\" y1=\"{middle}\" x2=\"{LatencyX + to}\" y2=\"{middle}\"/><circle class=\"p50\" cx=\"{LatencyX + from}\" cy=\"{middle}\" r=\"3\"/>"));
            text.Append(Invariant($"<text x=\"{LatencyX + to + 8}\" y=\"{line}\">{Quantities.Number(p50.Median)} – {Quantities.Number(p99.Median)} ms</text>"));
        }
        if (result.Failed > 0)
            text.Append(Invariant($"<text class=\"bad dim\" x=\"{BarsX + 4}\" y=\"{line + 10}\">{Quantities.Count(result.Failed)} failed</text>"));
        text.Append('\n');
    }

    private static string Label(BenchReport report) => string.Join("; ", report.Measurements.Select(static measured =>
        $"{measured.DataSet.Title()}: {string.Join(", ", measured.Results.Select(static result => $"{result.Server} {Quantities.Number(result.Find("requestsPerSecond")?.Median ?? 0)} a second"))}"));

    private static double X(double share, int width) => Math.Round(Math.Clamp(share, 0, 1) * width, 1);

    private static string Shorten(string name) => name.Length <= MaxNameChars ? name : name[..(MaxNameChars - 1)] + "…";

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
