using System.CommandLine;
using Holdfast.Client;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary><c>holdfast probe</c>: verifies whole registries again and again, and tells Prometheus.</summary>
internal static class ProbeCommand
{
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(1);

    private static readonly Argument<string[]> Hosts = new("host") { Description = "Registries: HOST or HOST:PORT.", Arity = ArgumentArity.OneOrMore };

    private static readonly Option<string?> Interval = new("--interval") { Description = "From the start of one round to the next: 15m. Default: one round, and an exit code.", HelpName = "duration" };
    private static readonly Option<int?> MaxTags = new("--max-tags") { Description = "Tags in one round. Failing ones come first, then those that were checked the longest ago, so that all get their turn. Default: all.", HelpName = "number" };
    private static readonly Option<bool> Fast = new("--fast") { Description = "HEAD and sizes only, never the bytes of configs and layers. A registry can answer so for bytes that it no longer has." };
    private static readonly Option<string?> Memory = new("--memory") { Description = "File that keeps what was read and when, so that a restart doesn't read everything again.", HelpName = "file" };
    private static readonly Option<string?> Listen = new("--listen") { Description = "Answer /metrics at this address: http://127.0.0.1:9464.", HelpName = "url" };
    private static readonly Option<string?> Pushgateway = new("--pushgateway") { Description = "Push metrics to this Pushgateway after each round.", HelpName = "url" };
    private static readonly Option<string?> Textfile = new("--textfile") { Description = "Write metrics to this file after each round, for the node exporter's textfile collector.", HelpName = "file.prom" };
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object a round, each in a line." };

    public static Command Create()
    {
        var remote = new RemoteOptions();
        var command = new Command("probe", """
            Verifies all repositories of registries of any make, once or every interval, and tells Prometheus what it found.
            What was read before and has not changed is asked for by HEAD, and read again once a day. The metrics have the names that older alerts know
            (registry_manifest_integrity_failures, …_catalog_accessible, …_last_run_timestamp).

              holdfast probe registry.example                                            one round, and an exit code
              holdfast probe --interval 15m --listen http://127.0.0.1:9464 --memory probe.memory registry.example
              holdfast probe --interval 15m --max-tags 500 --pushgateway http://push.example:9091 registry.example
              holdfast probe --textfile /var/lib/node_exporter/registry.prom registry.example 127.0.0.1:5000

            Exit codes without --interval: 0 all is there and right, 1 something is not, 2 a registry could not be checked. With it: 0 stopped by a signal, 2 it could not begin.
            """);
        command.Add(Hosts);
        foreach (var option in (ReadOnlySpan<Option>)[Interval, MaxTags, Fast, Memory, Listen, Pushgateway, Textfile])
            command.Add(option);
        remote.AddTo(command);
        command.Add(Json);
        command.SetAction((parsed, token) => RemoteCommand.RunAsync(
            parsed, inner => RunAsync(parsed, remote, inner), token, parsed.GetValue(Interval) is null ? null : RootCommands.Fine));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, RemoteOptions remote, CancellationToken token)
    {
        var targets = Parse(parsed.GetRequiredValue(Hosts));
        var plan = new ProbePlan
        {
            Interval = ReadInterval(parsed.GetValue(Interval)),
            MaxTags = parsed.GetValue(MaxTags) is < 1 and var most ? throw new RemoteFault($"--max-tags {most}: at least 1") : parsed.GetValue(MaxTags),
            Fast = parsed.GetValue(Fast),
            MemoryFile = OutputFile.Check("--memory", parsed.GetValue(Memory)),
            Textfile = OutputFile.Check("--textfile", parsed.GetValue(Textfile)),
            Pushgateway = UrlOf("--pushgateway", parsed.GetValue(Pushgateway), "http://127.0.0.1:9091"),
            Listen = UrlOf("--listen", parsed.GetValue(Listen), "http://127.0.0.1:9464"),
        };
        if (plan is { Listen: not null, Interval: null })
            throw new RemoteFault("--listen answers between rounds, and without --interval there is one round only; give --interval 15m, or --textfile or --pushgateway");
        if (plan.Listen is { Scheme: not "http" } or { PathAndQuery: not "/" })
            throw new RemoteFault($"--listen '{plan.Listen}': write http://, an address and a port, as in http://127.0.0.1:9464");
        var access = await remote.ReadAsync(parsed, token);
        if (access.Given is not null && targets.Count > 1)
            throw new RemoteFault("--user is for one registry, and these are several: each would get the password; call the command once for each");
        var console = parsed.InvocationConfiguration;
        using var screen = new VerifyScreen(console.Output, console.Error, isTerminal: false, TimeProvider.System);
        access.Tell = screen.Tell;
        await using var run = new ProbeRun(access, plan, parsed.GetValue(Json), screen, TimeProvider.System);
        return await run.RunAsync(targets, token);
    }

    private static List<RegistryTarget> Parse(IEnumerable<string> texts)
    {
        var targets = new List<RegistryTarget>();
        foreach (var text in texts)
        {
            if (!RegistryTarget.TryParse(text, out var target, out var problem))
                throw new RemoteFault(problem);
            if (!target.Repository.IsNone)
                throw new RemoteFault($"'{text}' names a repository; probe takes whole registries, `holdfast verify {text}` looks at one");
            if (targets.Exists(other => other.Host == target.Host))
                throw new RemoteFault($"{target.Host} is named twice");
            targets.Add(target);
        }
        return targets;
    }

    private static TimeSpan? ReadInterval(string? text)
    {
        if (text is null)
            return null;
        if (Quantity.ParseDuration(text, out var interval) is { } fault)
            throw new RemoteFault($"--interval: {fault}");
        return interval >= MinInterval ? interval : throw new RemoteFault($"--interval {text}: at least 1s");
    }

    private static Uri? UrlOf(string option, string? text, string example) =>
        text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0 ? url
        // Not repeated: others on this machine could read it already, and the log's readers need not.
        : url?.UserInfo.Length > 0 ? throw new RemoteFault($"{option}: a user and a password in the address are not taken; write it as in {example}, or use --textfile where the gateway asks for them")
        : throw new RemoteFault($"{option} '{text}' is no http or https address; write it as in {example}");
}
