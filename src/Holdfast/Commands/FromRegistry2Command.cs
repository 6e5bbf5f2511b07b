using System.CommandLine;
using System.Text;
using Holdfast.Configuration;
using Holdfast.Registry2;
using Holdfast.Server.Auth;

namespace Holdfast.Commands;

/// <summary><c>holdfast config from-registry2</c>: a registry:2's configuration becomes one of Holdfast.</summary>
internal static class FromRegistry2Command
{
    private static readonly Argument<string[]> Sources = new("config")
    {
        Description = "The old config.yml; several become one configuration. NAME=FILE names the registry; - is standard input.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string[]> Htpasswd = Several("--htpasswd", "file", "The users, if the file isn't where the configuration says (in a container). NAME=FILE for one of several registries.");

    private static readonly Option<string[]> Variables = Several("--env", "variable", "A variable of the old registry: REGISTRY_HTTP_ADDR=:5000. With several registries, NAME=REGISTRY_…=… for one.");

    private static readonly Option<string[]> VariableFiles = Several("--env-file", "file", "A file of such variables, as docker's --env-file. NAME=FILE for one of several registries.");

    private static readonly Option<string[]> Listen = Several("--listen", "url", "Where to listen instead: http://0.0.0.0:5010. NAME=URL for one of several registries.");

    private static readonly Option<string> Release = new("--release")
    {
        Description = "What the old registry is: 2 (2.8) or 3 (3.x). They know different settings, and skip the others without a word.",
        DefaultValueFactory = _ => "2",
        HelpName = "2|3",
    };

    private static readonly Option<string> Data = new("--data") { Description = "The new data folder.", DefaultValueFactory = _ => "/var/lib/holdfast", HelpName = "folder" };

    private static readonly Option<string?> Output = new("--output", "-o") { Description = "Write the configuration to this file, and users and passwords beside it.", HelpName = "file" };

    private static readonly Option<bool> Force = new("--force") { Description = "With -o: write over files that are there." };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object, the configuration in it." };

    public static Command Create()
    {
        var command = new Command("from-registry2", """
            Makes a configuration of that of a registry:2 (docker-registry, distribution; 2.8 and 3.x), with its variables REGISTRY_… and its htpasswd file.
            Every setting is told about: taken, not needed here, not here, or unknown to the old registry, which skips what it doesn't know without a word.
            The result is checked as by `config check`. Without -o it goes to standard output, and what is told to standard error. Nothing of the old registry is changed.
            Exit codes: 0 fine, 1 something is to be looked at, 2 could not do it: unreadable, or the old registry wouldn't start with it.

              holdfast config from-registry2 /etc/docker/registry/config.yml -o /etc/holdfast/holdfast.yaml
              holdfast config from-registry2 config.yml --htpasswd ./auth/htpasswd --env-file registry.env -o holdfast.yaml
              holdfast config from-registry2 private=hosted/config.yml hub/config.yml ghcr/config.yml --listen dockerhub=http://0.0.0.0:5010
              holdfast config from-registry2 --env REGISTRY_STORAGE_DELETE_ENABLED=true      the image's own file, and variables
              holdfast config from-registry2 config.yml --json | jq '.files[].settings[] | select(.verdict == "unknown")'
            """) { Sources, Htpasswd, Variables, VariableFiles, Listen, Release, Data, Output, Force, Json };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var problems = new Problems();
        var request = Read(parsed, problems);
        var result = problems.All.Count > 0 ? new MoveResult([], problems.All) : new Move(request).Run();
        MoveOutcome outcome;
        try
        {
            outcome = result.Configuration is null ? new MoveOutcome(result, [], null) : Finish(result, request, parsed.GetValue(Force));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(new Origin(request.Output ?? "", "/"), "", $"could not be written: {e.Message}");
            outcome = new MoveOutcome(result with { Problems = problems.All, Configuration = null }, [], null);
        }

        if (parsed.GetValue(Json))
            MoveJson.Write(outcome, parsed.InvocationConfiguration.Output);
        else
            Print(outcome, request, parsed.InvocationConfiguration);
        if (outcome.Result.Configuration is null)
            return RootCommands.Failed;
        return outcome.Result.IsFine && outcome.Check is { Problems.Count: 0 } ? RootCommands.Fine : RootCommands.Findings;
    }

    // Without -o, standard output is the configuration alone, ready for a redirection.
    private static void Print(MoveOutcome outcome, MoveRequest request, InvocationConfiguration console)
    {
        MoveText.Write(outcome, request, request.Output is null ? console.Error : console.Output);
        if (request.Output is null && outcome.Result.Configuration is { } text)
            console.Output.Write(text);
    }

    private static MoveRequest Read(ParseResult parsed, Problems problems)
    {
        var sources = parsed.GetValue(Sources)!.Select(OfRegistry.Parse).Select(one => one.To<string, string?>(one.Value == "-" ? "/dev/stdin" : one.Value)).ToList();
        var variables = ReadVariables(parsed, problems);
        if (sources.Count == 0 && variables.Count > 0)
            sources.Add(new OfRegistry<string?>(null, null));
        if (sources.Count == 0 && problems.All.Count == 0)
            problems.Add(new Origin("holdfast config from-registry2", "/"), "", "the config is missing: give the old registry's config.yml, or, if it runs in a container with variables alone, these by --env or --env-file");
        var release = parsed.GetValue(Release)!;
        if (release is not ("2" or "3"))
            problems.Add(new Origin("--release", "/"), "", $"{Problems.Quote(release)} is neither 2 nor 3");
        return new MoveRequest
        {
            Sources = sources,
            Release = release == "3" ? Registry2.Release.Three : Registry2.Release.Two,
            Variables = variables,
            Htpasswd = [.. parsed.GetValue(Htpasswd)!.Select(OfRegistry.Parse)],
            Listen = [.. parsed.GetValue(Listen)!.Select(OfRegistry.Parse).Select(one => Address(one, problems)).OfType<OfRegistry<ListenerAddress>>()],
            Data = parsed.GetValue(Data)!,
            Output = parsed.GetValue(Output),
        };
    }

    private static List<OfRegistry<Variable>> ReadVariables(ParseResult parsed, Problems problems)
    {
        var variables = new List<OfRegistry<Variable>>();
        foreach (var file in parsed.GetValue(VariableFiles)!.Select(OfRegistry.Parse))
            variables.AddRange(Variable.ReadFile(file.Value, problems).Select(file.To));
        foreach (var text in parsed.GetValue(Variables)!.Select(OfRegistry.Parse))
        {
            if (Variable.Parse(text.Value, "--env") is { } variable)
                variables.Add(text.To(variable));
            else
                problems.Add(new Origin("--env", "/"), "", "write a variable of the old registry as REGISTRY_NAME=value");
        }

        return variables;
    }

    private static OfRegistry<ListenerAddress>? Address(OfRegistry<string> one, Problems problems)
    {
        if (ListenerAddress.Parse(one.Value, out var address) is not { } fault)
            return one.To(address!);
        problems.Add(new Origin("--listen", "/"), "", fault);
        return null;
    }

    private static MoveOutcome Finish(MoveResult result, MoveRequest request, bool overwrite)
    {
        var loader = new ConfigurationLoader(new Dictionary<string, string>(StringComparer.Ordinal), Environment.CurrentDirectory, TimeProvider.System);
        if (request.Output is not { } output)
            return new MoveOutcome(result, [], loader.LoadText(result.Configuration!, "the configuration", new ConfigurationArguments()));
        var written = MovedSecrets.Write(result.Files, output, overwrite);
        AtomicFile.Write(output, Encoding.UTF8.GetBytes(result.Configuration!));
        // No secret stands in it, and the server runs as somebody else.
        File.SetUnixFileMode(output, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        return new MoveOutcome(result, [output, .. written], loader.Load(new ConfigurationArguments { File = output }));
    }

    private static Option<string[]> Several(string name, string help, string description) => new(name)
    {
        Description = description,
        HelpName = help,
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
    };
}
