using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Nodes;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary><c>holdfast containerd check</c>: reads a node's configuration, asks its mirrors, and says what is wrong.</summary>
internal static class ContainerdCheckCommand
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Option<string> Config = new("--config", "-c") { Description = "containerd's configuration.", HelpName = "file", DefaultValueFactory = _ => "/etc/containerd/config.toml" };

    private static readonly Option<string?> Folder = new("--certs-dir") { Description = $"Folder of hosts.toml files. Default: what the configuration says, else {NodeConfiguration.DefaultFolder}.", HelpName = "folder" };

    private static readonly Option<bool> Offline = new("--offline") { Description = "Don't ask the mirrors." };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    public static Command Create()
    {
        var command = new Command("check", """
            Reads containerd's config.toml and the folder of hosts.toml files on a node, asks each mirror for /v2/, and says what is wrong: settings
            that are ignored, files that are skipped, folders that are missing or catch too much, mirrors that don't answer. Changes nothing.
            Exit codes: 0 fine, 1 findings, 2 something can't be read.

              holdfast containerd check
              holdfast containerd check --config ./config.toml --certs-dir ./certs.d --offline
              holdfast containerd check --json | jq -r '.findings[].message'
            """) { Config, Folder, Offline, Json };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken token)
    {
        var console = parsed.InvocationConfiguration;
        try
        {
            var (findings, hosts) = (new NodeFindings(), new List<NodeHosts>());
            var configuration = new NodeConfiguration(parsed.GetRequiredValue(Config), findings);
            configuration.Read();
            foreach (var folder in FoldersOf(parsed, configuration, findings))
                hosts.AddRange(new HostsFolder(folder, findings).Read());
            if (!parsed.GetValue(Offline))
                await AskAsync(hosts, findings, token);
            if (parsed.GetValue(Json))
                WriteJson(findings, hosts, console.Output);
            else
                WriteText(findings, hosts, console.Output);
            return findings.All.Count == 0 ? RootCommands.Fine : RootCommands.Findings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await console.Error.WriteLineAsync($"holdfast containerd check: {e.Message}{(e is UnauthorizedAccessException ? " Read it as root, as containerd does." : "")}");
            return RootCommands.Failed;
        }
    }

    // Of several, containerd takes the first that has a folder for the name; what is wrong in the others matters once that one goes.
    private static IEnumerable<string> FoldersOf(ParseResult parsed, NodeConfiguration configuration, NodeFindings findings)
    {
        if (parsed.GetValue(Folder) is not { } given)
            return (configuration.Folders.Count > 0 ? configuration.Folders : [NodeConfiguration.DefaultFolder]).Where(Directory.Exists);
        if (!Directory.Exists(given))
            throw new DirectoryNotFoundException($"there is no folder {given}.");
        var full = Path.GetFullPath(given);
        if (configuration.Folders.Count > 0 && !configuration.Folders.Any(folder => Path.TrimEndingDirectorySeparator(folder) == Path.TrimEndingDirectorySeparator(full)))
            findings.Add(parsed.GetRequiredValue(Config), "configPathElsewhere", $"config_path is {string.Join(':', configuration.Folders)}, so that {full} is not read");
        return [full];
    }

    private static async Task AskAsync(List<NodeHosts> hosts, NodeFindings findings, CancellationToken token)
    {
        var calls = hosts.SelectMany(one => one.Mirrors.Select(mirror => (one.Name, Mirror: mirror))).ToList();
        var answers = await Task.WhenAll(calls.Select(call => MirrorCall.AskAsync(call.Mirror, call.Name, token)));
        foreach (var ((name, mirror), answer) in calls.Zip(answers))
        {
            if (answer is not null)
                findings.Add(mirror.Origin, "deadMirror", $"{mirror.Url.OriginalString}, which is asked for {(name == "_default" ? "every other registry" : name)}, {answer}");
        }
    }

    private static void WriteText(NodeFindings findings, List<NodeHosts> hosts, TextWriter output)
    {
        foreach (var finding in findings.All)
            output.WriteLine(finding.ToString());
        foreach (var one in hosts)
            output.WriteLine($"{one.Name}: {string.Join(", then ", WaysOf(one))}");
        output.WriteLine(findings.All.Count == 0 ? $"fine: {Counted.Of(hosts.Count, "registry", "registries")}" : Counted.Of(findings.All.Count, "finding"));
    }

    private static IEnumerable<string> WaysOf(NodeHosts hosts) =>
        hosts.Mirrors.Select(mirror => mirror.Url.OriginalString).Append(hosts.Server?.OriginalString ?? (hosts.Name == "_default" ? "the registry itself" : hosts.Name)).Distinct(StringComparer.Ordinal);

    private static void WriteJson(NodeFindings findings, List<NodeHosts> hosts, TextWriter output)
    {
        var text = new
        {
            fine = findings.All.Count == 0,
            findings = findings.All,
            hosts = hosts.Select(one => new { name = one.Name, folder = one.Folder, mirrors = one.Mirrors.Select(m => m.Url.OriginalString), server = one.Server?.OriginalString }),
        };
        output.WriteLine(JsonSerializer.Serialize(text, Indented));
    }
}
