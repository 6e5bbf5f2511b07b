using System.Globalization;
using System.Text.Json;

namespace Holdfast.Large;

/// <summary>What dev.d/bench-large measured, as a Markdown table: medians over the rounds, and the large store's over the empty one's.</summary>
internal static class Ratios
{
    private static readonly string[] OfRounds = ["requestsPerSecond", "p50Milliseconds", "p99Milliseconds", "serverCpuMicrosecondsEach"];

    /// <exception cref="UsageException">It is no such file.</exception>
    public static void Write(string results, TextWriter to)
    {
        try
        {
            var values = File.ReadLines(results).Where(static line => line.Length > 0).SelectMany(Read).ToLookup(
                static value => (value.Figure, value.Metric), static value => (IsEmpty: value.Server.EndsWith("-empty", StringComparison.Ordinal), value.Value));
            to.WriteLine("| Figure | | empty store | large store (least–most) | large / empty |\n|---|---|---|---|---|");
            foreach (var figure in values)
            {
                var (empty, large) = (Sorted(figure, isEmpty: true), Sorted(figure, isEmpty: false));
                var ratio = empty.Count > 0 && large.Count > 0 ? Text(Median(large) / Median(empty)) : "–";
                to.WriteLine($"| {figure.Key.Figure} | {figure.Key.Metric} | {(empty.Count > 0 ? Text(Median(empty)) : "–")} | {Spread(large)} | {ratio} |");
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UsageException($"'{results}' holds no results of dev.d/bench-large: {e.Message}");
        }
    }

    private static IEnumerable<(string Figure, string Server, string Metric, double Value)> Read(string line)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        var figure = root.GetProperty("figure").GetString()!;
        if (!root.TryGetProperty("bench", out var bench))
        {
            var server = root.GetProperty("server").GetString()!;
            return [.. root.GetProperty("metrics").EnumerateObject().Select(metric => (figure, server, metric.Name, metric.Value.GetDouble()))];
        }
        var result = bench.GetProperty("measurements")[0].GetProperty("results")[0];
        var figures = result.GetProperty("figures");
        return
        [
            .. OfRounds.Where(metric => figures.TryGetProperty(metric, out _))
                .Select(metric => (figure, result.GetProperty("server").GetString()!, metric, figures.GetProperty(metric).GetProperty("median").GetDouble())),
        ];
    }

    private static List<double> Sorted(IEnumerable<(bool IsEmpty, double Value)> values, bool isEmpty) =>
        [.. values.Where(value => value.IsEmpty == isEmpty).Select(static value => value.Value).Order()];

    private static double Median(List<double> sorted) => (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;

    private static string Spread(List<double> sorted) => sorted.Count == 0 ? "–" : $"{Text(Median(sorted))} ({Text(sorted[0])}–{Text(sorted[^1])})";

    private static string Text(double value) => value.ToString(value < 100 ? "0.###" : "0", CultureInfo.InvariantCulture);
}
