using Holdfast.Bench;
using Holdfast.Bench.Report;

namespace Holdfast.Commands;

/// <summary>What bench says beside its figures.</summary>
internal static class BenchText
{
    public static IEnumerable<string> Closing(BenchReport report)
    {
        // Most often one thing keeps a server from all of them.
        foreach (var same in report.NotMeasured.GroupBy(static one => (one.Server, one.Reason)))
            yield return $"{same.Key.Server}, {string.Join(", ", same.Select(static one => one.DataSet.Workload).Distinct(StringComparer.Ordinal))}: {same.Key.Reason}";
        if (!report.Complete)
            yield return report.Measurements.Count > 0 ? "stopped; this is what was measured by then" : "stopped before anything was measured";
        foreach (var left in report.LeftBehind)
            yield return Of(left);
    }

    private static string Of(Left left)
    {
        var made = $"{Manifests(left.Manifests)} with {Quantities.Bytes(left.Bytes)}";
        return left switch
        {
            { Refused: { } why } => $"{left.Server}: {made} {(left.Manifests == 1 ? "stays" : "stay")} in {left.Repositories}: {why}",
            { Deleted: > 0 } => $"{left.Server}: deleted {Manifests(left.Deleted)} in {left.Repositories}; their {Quantities.Bytes(left.Bytes)} go with the registry's own garbage collection",
            _ => $"{left.Server}: {made} {(left.Manifests == 1 ? "is" : "are")} left in {left.Repositories}; a call with --clean leaves nothing, where the registry allows that",
        };
    }

    private static string Manifests(long count) => count == 1 ? "1 manifest" : $"{Quantities.Count(count)} manifests";
}
