using Holdfast.Report;

// For dev.d/bench alone: what its session measured, as Markdown with medians, ratios and targets.
if (args is not [var results, var notes, var output] || !File.Exists(results) || !File.Exists(notes))
{
    Console.Error.WriteLine("report RESULTS.jsonl NOTES.md OUT.md");
    return 2;
}

try
{
    var session = Results.Read(results);
    File.WriteAllText(output, MarkdownReport.Write(session, File.ReadAllText(notes)));
    return session.Errors == 0 ? 0 : 1;
}
catch (InvalidDataException problem)
{
    Console.Error.WriteLine($"report: {problem.Message}");
    return 2;
}
