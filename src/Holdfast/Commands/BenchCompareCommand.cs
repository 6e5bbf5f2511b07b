using System.CommandLine;
using Holdfast.Bench;
using Holdfast.Bench.Report;

namespace Holdfast.Commands;

/// <summary><c>holdfast bench compare</c>: puts reports of several calls side by side.</summary>
internal static class BenchCompareCommand
{
    private const long MaxReportBytes = 64 << 20;

    private static readonly Argument<string[]> Files = new("report") { Description = "Files that holdfast bench --json wrote.", Arity = ArgumentArity.OneOrMore };

    public static Command Create(BenchOptions bench)
    {
        var command = new Command("compare", """
            Puts reports of several calls of holdfast bench side by side, the first one being what the others are compared with.
            Reports that measured different things are refused, with what differs: other sizes, connections or loops say nothing about which server is faster.
            One report alone is shown again.

              holdfast bench compare before.json after.json
              holdfast bench compare monday.json tuesday.json --svg week.svg --markdown week.md

            Exit codes: 0 fine, 1 requests failed in one of them, 2 they can't be read or compared.
            """);
        command.Add(Files);
        BenchCommand.AddOutputTo(command);
        command.SetAction((parsed, token) => RemoteCommand.RunAsync(parsed, inner => BenchCommand.GuardAsync(() => RunAsync(parsed, bench, inner)), token));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, BenchOptions bench, CancellationToken token)
    {
        if (bench.NamesServers(parsed))
            throw new RemoteFault("compare takes reports and no registries: holdfast bench compare before.json after.json");
        var (reports, files) = (new List<(string, BenchReport)>(), parsed.GetRequiredValue(Files));
        if (files.Contains(""))
            throw new RemoteFault("a report's name is empty");
        var whole = new HashSet<string>(StringComparer.Ordinal);
        if (files.FirstOrDefault(file => !whole.Add(Path.GetFullPath(file))) is { } twice)
            throw new RemoteFault($"{twice} is named twice; a report has nothing to say against itself");
        BenchCommand.CheckOutput(parsed, whole);
        foreach (var file in files)
            reports.Add((file, BenchReport.Read(await ReadAsync(file, token), file)));
        var (merged, problems) = Merging.Merge(reports);
        if (merged is null)
        {
            foreach (var problem in problems)
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"holdfast bench compare: {problem}");
            throw new RemoteFault("these reports can't be compared; measure again, with the same options and to the end");
        }
        await BenchCommand.WriteAsync(parsed, merged);
        return merged.Failed > 0 ? RootCommands.Findings : RootCommands.Fine;
    }

    private static async Task<string> ReadAsync(string file, CancellationToken token)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: > MaxReportBytes }
                ? throw new RemoteFault($"{file} is larger than any report")
                : await File.ReadAllTextAsync(file, token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RemoteFault($"{file} can't be read: {e.Message}", e);
        }
    }
}
