using System.Globalization;
using Holdfast.Bench.Report;

namespace Holdfast.Report;

/// <summary>One figure that Holdfast must reach, as a value or as a ratio to what was measured beside it in the same session.</summary>
/// <param name="Peers">Added up; none: a value.</param>
/// <param name="Unit">Divides the value for printing; ratios print as they are.</param>
internal sealed record Budget(string Title, Reading Reading, IReadOnlyList<Reading> Peers, bool AtLeast, double Limit, string Unit = "", double Scale = 1)
{
    /// <summary>Of medians over the rounds; null when something wasn't measured, or failed.</summary>
    public double? Value(Results results) => Ratio(results.Median(Reading), Peers.Select(results.Median));

    /// <summary>Of each round's own readings, as those that were taken side by side; null when there were none.</summary>
    public Spread? Spread(Results results)
    {
        if (Value(results) is null)
            return null;
        var rounds = results.Of(Reading.Figure).Select(static record => record.Round).Distinct()
            .Select(round => Ratio(results.Find(Reading, round), Peers.Select(peer => results.Find(peer, round)))).OfType<double>().ToList();
        return rounds.Count == 0 ? null : Bench.Report.Spread.Of(rounds);
    }

    public bool? IsMet(Results results) => Value(results) is not { } value ? null : AtLeast ? value >= Limit : value <= Limit;

    public string Target => Print($"{(AtLeast ? "≥" : "≤")} {Limit:0.###}{Suffix}");

    public string Measured(Results results) => Value(results) is { } value ? Print($"{value:0.###}{(Peers.Count == 0 ? Suffix : "")}") : "not measured";

    public string Between(Results results) => Spread(results) is { } spread ? Print($"{spread.Least:0.###}–{spread.Most:0.###}") : "";

    // What a reading of another figure is measured by is that figure, not its server, which is the same.
    private string Suffix => Peers.Count == 0 ? Unit.Length > 0 ? " " + Unit : ""
        : $" × {(Peers.Count > 1 ? "(" : "")}{string.Join(" + ", Peers.Select(peer => peer.Figure == Reading.Figure ? peer.Server : peer.Figure))}{(Peers.Count > 1 ? ")" : "")}";

    private double? Ratio(double? value, IEnumerable<double?> peers) => Peers.Count == 0 ? value / Scale : value / peers.Aggregate((double?)0, static (sum, one) => sum + one);

    private static string Print(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
