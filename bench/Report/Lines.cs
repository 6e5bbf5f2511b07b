using System.Text.Json;
using Holdfast.Bench;
using Holdfast.Bench.Report;

namespace Holdfast.Report;

/// <summary>
/// The lines of a session's results: a record as it is, for what `holdfast bench` doesn't measure (dd, starting); or
/// <c>{"figure": …, "round": …, "command": …, "bench": …}</c> around the report that `holdfast bench --json` printed.
/// </summary>
internal static class Lines
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    /// <exception cref="InvalidDataException">The line is neither.</exception>
    public static IEnumerable<Record> Read(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.TryGetProperty("bench", out var bench))
                return Unfold(root, BenchReport.Read(bench.GetRawText(), "its report"));
            return root.Deserialize<Record>(Web) is { Figure: not null, Server: not null, Metrics: not null } record ? [record] : throw new InvalidDataException($"not a result: {line}");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or BenchFault)
        {
            throw new InvalidDataException($"not a result: {line}", e);
        }
    }

    private static List<Record> Unfold(JsonElement line, BenchReport report)
    {
        var (figure, round) = (line.GetProperty("figure").GetString()!, line.GetProperty("round").GetInt32());
        var command = line.TryGetProperty("command", out var text) ? text.GetString() : null;
        return
        [
            .. from measured in report.Measurements
               let origin = new Origin(measured.DataSet, report.Program, report.Begun, report.Machine)
               from result in measured.Results
               from one in result.Rounds
               select new Record(figure, result.Server, round, one.Failed, FiguresOf(one)) { Command = command, Origin = origin },
        ];
    }

    private static Dictionary<string, double> FiguresOf(Round round) =>
        round.Figures().Where(static one => one.Value is not null).ToDictionary(static one => one.Name, static one => one.Value!.Value, StringComparer.Ordinal);
}
