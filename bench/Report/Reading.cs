namespace Holdfast.Report;

/// <summary>Names one median of a session.</summary>
internal sealed record Reading(string Figure, string Server, string Metric)
{
    public double? In(Results results) => results.Median(Figure, Server, Metric);
}
