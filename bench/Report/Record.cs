namespace Holdfast.Report;

/// <summary>One line of a results file: one measurement of one server in one round.</summary>
/// <param name="Metrics">Named with their unit.</param>
internal sealed record Record(string Figure, string Server, int Round, long Errors, IReadOnlyDictionary<string, double> Metrics);
