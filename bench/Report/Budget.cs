using System.Globalization;

namespace Holdfast.Report;

/// <summary>One figure that Holdfast must reach, as a value or as a ratio to a peer measured in the same session.</summary>
/// <param name="Unit">Divides the value for printing; ratios print as they are.</param>
internal sealed record Budget(string Title, Reading Reading, Reading? Peer, bool AtLeast, double Limit, string Unit = "", double Scale = 1)
{
    /// <summary>Null when something wasn't measured.</summary>
    public double? Value(Results results)
    {
        var value = Reading.In(results);
        return Peer is null ? value / Scale : value / Peer.In(results);
    }

    public bool? IsMet(Results results) => Value(results) is not { } value ? null : AtLeast ? value >= Limit : value <= Limit;

    public string Target => Print($"{(AtLeast ? "≥" : "≤")} {Limit:0.###}{Suffix}");

    public string Measured(Results results) => Value(results) is { } value ? Print($"{value:0.###}{Suffix}") : "not measured";

    private string Suffix => Peer is not null ? $" × {Peer.Server}" : Unit.Length > 0 ? " " + Unit : "";

    private static string Print(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
