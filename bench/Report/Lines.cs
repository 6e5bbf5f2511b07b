using System.Text.Json;

namespace Holdfast.Report;

/// <summary>
/// The lines of a session's results: a record as it is, for what `holdfast bench` doesn't measure (dd, starting); or <c>{"figure": …, "round": …, "bench": …}</c> around the
/// report that `holdfast bench --json` printed.
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
            if (!root.TryGetProperty("bench", out var bench))
                return [root.Deserialize<Record>(Web)!];
            var (figure, round) = (root.GetProperty("figure").GetString()!, root.GetProperty("round").GetInt32());
            return
            [
                .. from measured in bench.GetProperty("measurements").EnumerateArray()
                   from result in measured.GetProperty("results").EnumerateArray()
                   from one in result.GetProperty("rounds").EnumerateArray()
                   select new Record(figure, result.GetProperty("server").GetString()!, round, ErrorsOf(one), FiguresOf(one)),
            ];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"not a result: {line}", e);
        }
    }

    private static long ErrorsOf(JsonElement round) => round.GetProperty("errors").EnumerateObject().Sum(static kind => kind.Value.GetInt64());

    private static Dictionary<string, double> FiguresOf(JsonElement round)
    {
        var figures = round.EnumerateObject().Where(static member => member.Value.ValueKind == JsonValueKind.Number)
            .ToDictionary(static member => member.Name, static member => member.Value.GetDouble(), StringComparer.Ordinal);
        foreach (var latency in round.GetProperty("latencyMilliseconds").EnumerateObject())
            figures[$"{latency.Name}Milliseconds"] = latency.Value.GetDouble();
        return figures;
    }
}
