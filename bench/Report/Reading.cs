namespace Holdfast.Report;

/// <summary>Names one metric of one server in one figure.</summary>
internal sealed record Reading(string Figure, string Server, string Metric)
{
    public bool Is(Record record) => record.Figure == Figure && record.Server == Server;
}
