using System.CommandLine;
using Holdfast.Client;

namespace Holdfast.Commands;

/// <summary><c>holdfast verify</c>: reads images of any registry as a client that pulls them would, and says what is wrong with them.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<string[]> Targets = new("target")
    {
        Description = "HOST/REPOSITORY:TAG, HOST/REPOSITORY@DIGEST, HOST/REPOSITORY (all tags) or HOST (all repositories).",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<bool> Fast = new("--fast") { Description = "Ask by HEAD and compare sizes instead of reading the bytes. A registry can answer so for bytes that it no longer has." };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    private static readonly Option<string?> Junit = new("--junit") { Description = "Write a JUnit report too, one test for each tag.", HelpName = "file" };

    public static Command Create()
    {
        var remote = new RemoteOptions();
        var command = new Command("verify", """
            Reads images of any registry, each index, child, config and layer of them with what refers to them, hashes the bytes, and says what is missing or wrong.
            After a push in a pipeline it is the proof that the image can be pulled, on every platform. Nothing is written to the registry.

              holdfast verify registry.example/team/app:v1      one image
              holdfast verify registry.example/team/app         all tags of a repository
              holdfast verify registry.example                  all repositories; needs the catalogue
              holdfast verify --fast registry.example           quick: HEAD and sizes only, which can be fooled
              holdfast verify --junit report.xml registry.example/team/app:$CI_COMMIT_SHA
              echo "$SECRET" | holdfast verify --user ci --password-stdin registry.example/team/app:v1
              holdfast verify --json 127.0.0.1:5000/app:1 | jq '.findings[] | .repository + ":" + .reference'

            Exit codes: 0 all of it is there and right, 1 something is not (or could not be checked while other things could), 2 nothing could be checked.
            """);
        command.Add(Targets);
        command.Add(Fast);
        remote.AddTo(command);
        command.Add(Json);
        command.Add(Junit);
        command.SetAction((parsed, token) => RemoteCommand.RunAsync(parsed, inner => RunAsync(parsed, remote, inner), token));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, RemoteOptions remote, CancellationToken token)
    {
        var targets = Parse(parsed.GetRequiredValue(Targets));
        var junit = OutputFile.Check("--junit", parsed.GetValue(Junit));
        var access = await remote.ReadAsync(parsed, token);
        if (access.Given is not null && targets.Select(static target => target.Host).Distinct(StringComparer.Ordinal).Count() > 1)
            throw new RemoteFault("--user is for one registry, and these are several: each would get the password; call the command once for each");
        var console = parsed.InvocationConfiguration;
        var isJson = parsed.GetValue(Json);
        using var screen = new VerifyScreen(isJson ? TextWriter.Null : console.Output, console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        access.Tell = screen.Tell;
        using var run = new VerifyRun(access, parsed.GetValue(Fast), screen, TimeProvider.System);
        var outcome = await run.RunAsync(targets, token);
        screen.Clear();
        if (isJson)
            await AdminCommand.WriteJsonAsync(console.Output, VerifyJson.Of(outcome));
        else
            await console.Output.WriteAsync(VerifyText.Summary(outcome));
        foreach (var failed in outcome.Targets.Where(static target => target.Fault is not null))
            await console.Error.WriteLineAsync($"holdfast verify: {failed.Target.Text}: {failed.Fault}");
        OutputFile.Write("--junit", junit, file => VerifyJunit.Write(file, outcome));
        return outcome.ExitCode;
    }

    private static List<RegistryTarget> Parse(IEnumerable<string> texts)
    {
        var targets = new List<RegistryTarget>();
        foreach (var text in texts)
        {
            if (!RegistryTarget.TryParse(text, out var target, out var problem))
                throw new RemoteFault(problem);
            targets.Add(target);
        }
        return targets;
    }
}
