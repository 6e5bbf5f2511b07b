using System.Globalization;
using System.Text;

namespace Holdfast.Server.Metrics;

/// <summary>Prometheus' text format 0.0.4. The order depends on names and labels only, so that two scrapes can be compared line by line.</summary>
internal static class Exposition
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Write(IReadOnlyList<Metric> metrics)
    {
        var text = new StringBuilder(16 * 1024);
        foreach (var metric in metrics)
        {
            var series = metric.All();
            if (series.Count > 0)
                WriteMetric(text, metric, series);
        }

        return text.ToString();
    }

    private static void WriteMetric(StringBuilder text, Metric metric, IReadOnlyList<Series> all)
    {
        text.Append("# HELP ").Append(metric.Name).Append(' ').Append(Escape(metric.Help, quotes: false)).Append('\n');
        text.Append("# TYPE ").Append(metric.Name).Append(' ').Append(TypeName(metric.Kind)).Append('\n');
        foreach (var (labels, series) in all.Select(static s => (Labels(s), s)).OrderBy(static pair => pair.Item1, StringComparer.Ordinal))
        {
            if (metric.Kind == MetricKind.Histogram)
                WriteHistogram(text, metric, labels, series);
            else
                WriteSample(text, metric.Name, labels, series.Value);
        }
    }

    private static void WriteHistogram(StringBuilder text, Metric metric, string labels, Series series)
    {
        var separator = labels.Length > 0 ? "," : "";
        var count = 0L;
        var at = 0;
        foreach (var bucket in series.Buckets)
        {
            count += bucket;
            var bound = at < metric.Bounds.Length ? Number(metric.Bounds[at]) : "+Inf";
            WriteSample(text, metric.Name + "_bucket", $"{labels}{separator}le=\"{bound}\"", count);
            at++;
        }

        WriteSample(text, metric.Name + "_sum", labels, series.Value);
        WriteSample(text, metric.Name + "_count", labels, count);
    }

    private static void WriteSample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Labels(Series series)
    {
        var text = new StringBuilder();
        foreach (var label in series.Labels)
        {
            var value = Convert.ToString(label.Value, CultureInfo.InvariantCulture) ?? "";
            text.Append(text.Length > 0 ? "," : "").Append(label.Key).Append("=\"").Append(Escape(value, quotes: true)).Append('"');
        }

        return text.ToString();
    }

    private static string Escape(string text, bool quotes)
    {
        if (text.AsSpan().IndexOfAny('\\', '\n', '"') < 0)
            return text;
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string TypeName(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Gauge => "gauge",
        MetricKind.Histogram => "histogram",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
