namespace Holdfast.Bench.Report;

/// <summary>Puts reports of several calls side by side, if they measured the same.</summary>
internal static class Merging
{
    /// <summary>More differences than these help nobody.</summary>
    private const int MaxProblems = 20;

    /// <param name="reports">With the names by which their readers know them.</param>
    /// <returns>What keeps them from being compared, or the report of all.</returns>
    public static (BenchReport? Merged, IReadOnlyList<string> Problems) Merge(IReadOnlyList<(string Name, BenchReport Report)> reports)
    {
        var problems = reports.SelectMany(one => ProblemsOf(one.Name, one.Report)).Concat(reports.Skip(1).SelectMany(other => Differences(reports[0], other))).Take(MaxProblems).ToList();
        if (problems.Count > 0)
            return (null, problems);
        var names = NamesOf(reports);
        var (first, all) = (reports[0].Report, reports.Select(static one => one.Report).ToList());
        return (first with
        {
            Complete = true,
            Servers = [.. all.SelectMany((report, number) => report.Servers.Select(server => server with { Name = names[(number, server.Name)] }))],
            Measurements =
            [
                .. first.Measurements.Select(measured => measured with
                {
                    Results = [.. all.SelectMany((report, number) => report.Measurements.First(one => one.DataSet == measured.DataSet).Results.Select(result => result with { Server = names[(number, result.Server)] }))],
                }),
            ],
            NotMeasured = [.. all.SelectMany((report, number) => report.NotMeasured.Select(one => one with { Server = names.GetValueOrDefault((number, one.Server), one.Server) }))],
            LeftBehind = [],
        }, []);
    }

    private static IEnumerable<string> ProblemsOf(string name, BenchReport report)
    {
        if (report.Measurements.Count == 0)
            yield return $"{name} holds no measurement";
        else if (!report.Complete)
            yield return $"{name} was stopped before its end";
    }

    private static IEnumerable<string> Differences((string Name, BenchReport Report) first, (string Name, BenchReport Report) other)
    {
        var (here, there) = (first.Report.Measurements, other.Report.Measurements);
        var unmatched = there.Where(one => !here.Any(same => same.DataSet == one.DataSet)).ToList();
        foreach (var measured in here.Where(one => !there.Any(same => same.DataSet == one.DataSet)))
        {
            // Of the same workload: most likely it is what was meant.
            var near = unmatched.Where(one => one.DataSet.Workload == measured.DataSet.Workload).OrderBy(one => one.DataSet.DifferencesFrom(measured.DataSet).Count).FirstOrDefault();
            if (near is null)
            {
                yield return $"{measured.DataSet.Title()}: {first.Name} has it, {other.Name} does not";
                continue;
            }
            unmatched.Remove(near);
            foreach (var (name, ours, theirs) in measured.DataSet.DifferencesFrom(near.DataSet))
                yield return $"{measured.DataSet.Workload}: {name} is {ours} in {first.Name} and {theirs} in {other.Name}";
        }
        foreach (var measured in unmatched)
            yield return $"{measured.DataSet.Title()}: {other.Name} has it, {first.Name} does not";
    }

    // One server before and after a change has one name in both files.
    private static Dictionary<(int Report, string Server), string> NamesOf(IReadOnlyList<(string Name, BenchReport Report)> reports)
    {
        var servers = reports.SelectMany(static (one, number) => one.Report.Servers.Select(server => (Number: number, one.Name, Server: server.Name))).ToList();
        var common = servers.CountBy(static one => one.Server, StringComparer.Ordinal).Where(static one => one.Value > 1).Select(static one => one.Key).ToHashSet(StringComparer.Ordinal);
        return servers.ToDictionary(static one => (one.Number, one.Server), one => common.Contains(one.Server) ? $"{one.Server} ({one.Name})" : one.Server);
    }
}
