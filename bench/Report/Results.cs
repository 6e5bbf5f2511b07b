namespace Holdfast.Report;

/// <summary>All records of a session, and medians over its rounds.</summary>
internal sealed class Results(IReadOnlyList<Record> records)
{
    public IReadOnlyList<Record> Records => records;

    public long Errors => records.Sum(record => record.Errors);

    public static Results Read(string file) => new([.. File.ReadLines(file).Where(static line => line.Length > 0).SelectMany(Lines.Read)]);

    /// <returns>Null when the server wasn't measured, or when a request failed: failures are fast, and no figure.</returns>
    public double? Median(string figure, string server, string metric)
    {
        var matching = records.Where(record => record.Figure == figure && record.Server == server).ToList();
        return matching.Exists(record => record.Errors > 0) ? null : Median(Values(matching, metric));
    }

    public (double Least, double Median, double Most)? Spread(string figure, string server, string metric)
    {
        var values = Values(records.Where(record => record.Figure == figure && record.Server == server), metric);
        return Median(values) is { } median ? (values[0], median, values[^1]) : null;
    }

    private static List<double> Values(IEnumerable<Record> records, string metric) =>
        [.. records.Where(record => record.Metrics.ContainsKey(metric)).Select(record => record.Metrics[metric]).Order()];

    private static double? Median(List<double> sorted) => sorted.Count switch
    {
        0 => null,
        var n when n % 2 == 1 => sorted[n / 2],
        var n => (sorted[(n / 2) - 1] + sorted[n / 2]) / 2,
    };
}
