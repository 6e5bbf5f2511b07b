using Holdfast.Bench;
using Holdfast.Bench.Report;

namespace Holdfast.Commands;

/// <summary>What bench says beside its figures.</summary>
internal static class BenchText
{
    public static IEnumerable<string> Closing(BenchReport report)
    {
        foreach (var one in report.NotMeasured)
            yield return $"{one.Server}, {one.DataSet.Workload}: {one.Reason}";
        if (!report.Complete)
            yield return "stopped; this is what was measured by then";
        foreach (var left in report.LeftBehind)
            yield return Of(left);
    }

    private static string Of(Left left)
    {
        var made = $"{Quantities.Count(left.Manifests)} manifests with {Quantities.Bytes(left.Bytes)}";
        return left switch
        {
            { Refused: { } why } => $"{left.Server}: {made} stay in {left.Repositories}: {why}",
            { Deleted: > 0 } => $"{left.Server}: deleted {Quantities.Count(left.Deleted)} manifests in {left.Repositories}; their {Quantities.Bytes(left.Bytes)} go with the registry's own garbage collection",
            _ => $"{left.Server}: {made} are left in {left.Repositories}; --clean deletes what it made, where the registry allows that",
        };
    }
}
