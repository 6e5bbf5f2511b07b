using System.Text.Json.Serialization;

namespace Holdfast.Bench.Report;

/// <summary>All rounds of one server, and what lies in the middle of them.</summary>
internal sealed record ServerResult(string Server, IReadOnlyList<Round> Rounds)
{
    private readonly Dictionary<string, Spread> _figures = Spreads(Rounds);

    /// <summary>By name, of all rounds; written for whoever reads the JSON, computed anew when it is read back.</summary>
    public IReadOnlyDictionary<string, Spread> Figures => _figures;

    /// <summary>What the reader of a report should know about these figures.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    [JsonIgnore]
    public long Failed => Rounds.Sum(static round => round.Failed);

    [JsonIgnore]
    public IReadOnlyDictionary<string, long> Errors =>
        Rounds.SelectMany(static round => round.Errors).GroupBy(static one => one.Key, StringComparer.Ordinal).ToDictionary(static kind => kind.Key, static kind => kind.Sum(static one => one.Value), StringComparer.Ordinal);

    public Spread? Find(string figure) => _figures.TryGetValue(figure, out var spread) ? spread : null;

    // As they are read, which may be null, too: whoever reads them refuses those.
    private static Dictionary<string, Spread> Spreads(IReadOnlyList<Round> rounds) =>
        rounds.OfType<Round>().SelectMany(static round => round.Figures()).Where(static one => one.Value is not null)
            .GroupBy(static one => one.Name, static one => one.Value!.Value, StringComparer.Ordinal)
            .ToDictionary(static one => one.Key, static one => Spread.Of(one), StringComparer.Ordinal);
}

/// <summary>The middle of several values, and the outermost.</summary>
internal sealed record Spread(double Median, double Least, double Most)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        var median = sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }
}
