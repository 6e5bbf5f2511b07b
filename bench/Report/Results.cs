using Holdfast.Bench.Report;

namespace Holdfast.Report;

/// <summary>All records of a session, and medians over its rounds.</summary>
internal sealed class Results(IReadOnlyList<Record> records)
{
    public IReadOnlyList<Record> Records => records;

    public long Errors => records.Sum(static record => record.Errors);

    /// <summary>In the order in which they were measured first.</summary>
    public IEnumerable<string> Figures => records.Select(static record => record.Figure).Distinct(StringComparer.Ordinal);

    public static Results Read(string file) => new([.. File.ReadLines(file).Where(static line => line.Length > 0).SelectMany(Lines.Read)]);

    public List<Record> Of(string figure) => [.. records.Where(record => record.Figure == figure)];

    /// <returns>Null when the server wasn't measured, or when a request failed: failures are fast, and no figure.</returns>
    public double? Median(Reading reading)
    {
        var matching = records.Where(reading.Is).ToList();
        return matching.Exists(static record => record.Errors > 0) ? null : Spread(reading)?.Median;
    }

    public Spread? Spread(Reading reading)
    {
        var values = records.Where(reading.Is).Where(record => record.Metrics.ContainsKey(reading.Metric)).Select(record => record.Metrics[reading.Metric]).ToList();
        return values.Count == 0 ? null : Bench.Report.Spread.Of(values);
    }

    /// <summary>The first of one round, if there is any.</summary>
    public double? Find(Reading reading, int round) =>
        records.FirstOrDefault(record => record.Round == round && reading.Is(record) && record.Metrics.ContainsKey(reading.Metric))?.Metrics[reading.Metric];
}
