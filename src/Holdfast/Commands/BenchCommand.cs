using System.CommandLine;
using Holdfast.Bench;
using Holdfast.Bench.Report;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary><c>holdfast bench</c>: measures registries of any make, side by side.</summary>
internal static class BenchCommand
{
    private const string Description = """
        Measures how fast registries of any make are, one or several side by side, and says it as a table, as JSON or as a picture.
        It pushes random data of its own, below bench/ in the registry, and reads them; what it leaves there it says at the end, or deletes with --clean.
        Point it only at registries that you may fill and keep busy.

          holdfast bench 127.0.0.1:5000                                   push, pull and manifest-by-tag, 10 s each
          holdfast bench old=old.example new=https://new.example:5000     both, in turn, three rounds, with the ratio
          holdfast bench 127.0.0.1:5000 --workload push,pull --size 1KiB,10MB,1GiB --connections 1
          holdfast bench 127.0.0.1:5000 --workload mixed --rate 200       latencies on a fixed timetable
          holdfast bench a=127.0.0.1:5000 b=127.0.0.1:5001 --pid a=812 --pid b=977
                                                                          CPU time and memory of the servers, too
          holdfast bench cache=127.0.0.1:5001 --workload cold-cache --upstream 127.0.0.1:5000
          holdfast bench 127.0.0.1:5000 --json > before.json              then change something, and measure again
          holdfast bench compare before.json after.json --svg change.svg  refused if they measured different things

        Workloads: push, pull, mixed (three pulls, one push), blob and range (of a layer), head (of a layer), manifest-by-tag, manifest-by-digest,
        tags, catalog (pages of 100), referrers (of an image), delete (of manifests), cold-cache (first pulls through a cache), get (any path of any
        HTTP server, with --path). docs/bench.md tells what each does, and how to read the figures.

        Exit codes: 0 fine, 1 some requests failed (they are counted by kind), 2 something could not be measured; after Ctrl-C what was measured by then is reported.
        """;

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };
    private static readonly Option<string?> Markdown = new("--markdown") { Description = "Write the table to this file, too.", HelpName = "file" };
    private static readonly Option<string?> Svg = new("--svg") { Description = "Draw a chart into this file.", HelpName = "file.svg" };

    public static Command Create()
    {
        var options = new BenchOptions();
        var command = new Command("bench", Description) { BenchCompareCommand.Create(options) };
        options.AddTo(command);
        AddOutputTo(command);
        command.SetAction((parsed, token) => RemoteCommand.RunAsync(parsed, inner => RunAsync(parsed, options, inner), token));
        return command;
    }

    public static void AddOutputTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[Json, Markdown, Svg])
            command.Add(option);
    }

    /// <summary>Prints a report, and writes it to the files that were asked for.</summary>
    public static async Task WriteAsync(ParseResult parsed, BenchReport report)
    {
        var table = MarkdownTable.Write(report);
        try
        {
            await parsed.InvocationConfiguration.Output.WriteAsync(parsed.GetValue(Json) ? report.ToJson() + "\n" : table);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WriteFiles(parsed, report, table);
            throw new RemoteFault($"the report could not be written to standard output: {e.Message}", e);
        }
        WriteFiles(parsed, report, table);
    }

    private static void WriteFiles(ParseResult parsed, BenchReport report, string table)
    {
        if (report.Measurements.Count == 0)
            return;
        OutputFile.Write("--markdown", parsed.GetValue(Markdown), file => File.WriteAllText(file, table));
        OutputFile.Write("--svg", parsed.GetValue(Svg), file => File.WriteAllText(file, SvgChart.Write(report)));
    }

    /// <param name="inputs">Whole paths of files that are read, and must not be replaced.</param>
    public static void CheckOutput(ParseResult parsed, params IEnumerable<string> inputs)
    {
        var table = OutputFile.Check("--markdown", parsed.GetValue(Markdown));
        var chart = OutputFile.Check("--svg", parsed.GetValue(Svg));
        if (table is not null && table == chart)
            throw new RemoteFault("--markdown and --svg name one file; the chart would replace the table");
        if (inputs.FirstOrDefault(input => input == table || input == chart) is { } replaced)
            throw new RemoteFault($"{replaced} is a report to be read; it would be replaced by {(replaced == table ? "the table" : "the chart")}");
    }

    private static async Task<int> RunAsync(ParseResult parsed, BenchOptions options, CancellationToken token)
    {
        CheckOutput(parsed);
        var errors = parsed.InvocationConfiguration.Error;
        var plan = options.ReadPlan(parsed);
        var access = await options.ReadAccessAsync(parsed, token);
        using var display = Console.IsErrorRedirected ? null : new ProgressDisplay(errors, isTerminal: true, TimeProvider.System);
        using var targets = new BenchTargets(access, line => Tell(errors, display, line));
        var report = await GuardAsync(async () =>
        {
            var servers = await targets.FindAsync(options.ReadServers(parsed, plan), token);
            var upstream = options.ReadUpstream(parsed, plan) is { } named ? (await targets.FindAsync([named], token))[0] : null;
            if (plan.Path is null)
                await errors.WriteLineAsync($"holdfast bench: the data come from --seed {plan.Seed}");
            var session = new Session(plan with { Upstream = upstream }, servers, $"holdfast {ProgramVersion.Text}", TimeProvider.System);
            return await session.RunAsync(progress => display?.Show(new AdminProgress(progress.Step, progress.Done, progress.Total, "requests")), token);
        });
        display?.Clear();
        try
        {
            await WriteAsync(parsed, report);
        }
        finally
        {
            // What is left in a registry is left there whether or not its report could be written.
            foreach (var line in BenchText.Closing(report))
                await errors.WriteLineAsync($"holdfast bench: {line}");
        }
        return report.NotMeasured.Count > 0 || report.Measurements.Count == 0 ? RootCommands.Failed : report.Failed > 0 ? RootCommands.Findings : RootCommands.Fine;
    }

    /// <summary>What the measuring part could not do is a fault of this command.</summary>
    public static async Task<T> GuardAsync<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (BenchFault e)
        {
            throw new RemoteFault(e.Message, e);
        }
    }

    private static void Tell(TextWriter errors, ProgressDisplay? display, string line)
    {
        display?.Clear();
        errors.WriteLine($"holdfast bench: {line}");
    }
}
