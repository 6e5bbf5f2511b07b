using Holdfast.Load.Report;

namespace Holdfast.Load.Commands;

internal static class ReportCommand
{
    public static int Execute(Arguments arguments)
    {
        var file = arguments.Required("results");
        var output = arguments.Required("out");
        var notes = arguments.Text("notes");
        arguments.RefuseUnread();
        if (!File.Exists(file))
            throw new UsageException($"--results: there is no file '{file}'");

        var results = Results.Read(file);
        File.WriteAllText(output, MarkdownReport.Write(results, notes is null ? "" : File.ReadAllText(notes)));
        return results.Errors == 0 ? 0 : 1;
    }
}
