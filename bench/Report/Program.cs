using Holdfast.Report;

// For dev.d/bench alone: what its session measured, as Markdown with medians, ratios and targets, and as charts in a folder named like it.
if (args is not [var results, var notes, var remarks, var output] || !output.EndsWith(".md", StringComparison.Ordinal) || !File.Exists(results) || !File.Exists(notes))
{
    Console.Error.WriteLine("report RESULTS.jsonl NOTES.md REMARKS.md OUT.md (REMARKS.md need not be there)");
    return 2;
}

try
{
    var session = Results.Read(results);
    var charts = Charts.Draw(session);
    var folder = output[..^".md".Length];
    Directory.CreateDirectory(folder);
    foreach (var chart in charts)
        File.WriteAllText(Path.Combine(folder, $"{chart.Name}.svg"), chart.Svg);
    File.WriteAllText(output, MarkdownReport.Write(session, File.ReadAllText(notes), File.Exists(remarks) ? File.ReadAllText(remarks) : "", charts, Path.GetFileName(folder)));
    return session.Errors == 0 ? 0 : 1;
}
catch (InvalidDataException problem)
{
    Console.Error.WriteLine($"report: {problem.Message}");
    return 2;
}
