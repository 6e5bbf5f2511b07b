using System.Text.Json.Serialization;

namespace Holdfast.Report;

/// <summary>One line of a results file: one measurement of one server in one round.</summary>
/// <param name="Metrics">Named with their unit.</param>
internal sealed record Record(string Figure, string Server, int Round, long Errors, IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>What to type to measure it again; null: the figure's description says it.</summary>
    public string? Command { get; init; }

    /// <summary>Null for what `holdfast bench` didn't measure.</summary>
    [JsonIgnore]
    public Origin? Origin { get; init; }
}
