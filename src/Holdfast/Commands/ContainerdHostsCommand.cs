using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Configuration;
using Holdfast.Nodes;

namespace Holdfast.Commands;

/// <summary><c>holdfast containerd hosts</c>: writes a node's hosts.toml files.</summary>
internal static class ContainerdHostsCommand
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly ConfigurationOptions Configuration = new();

    private static readonly Option<string> Output = new("--output", "-o") { Description = "Folder that becomes a node's /etc/containerd/certs.d.", HelpName = "folder", Required = true };

    private static readonly Option<string[]> Server = new("--server")
    {
        Description = "How nodes reach this server: a host, or scheme and host, to which each listener's port is added. NAME=URL says it of one registry alone (\"*\" of the listener of every cache), for a proxy in front. May be repeated.",
        HelpName = "host",
    };

    private static readonly Option<string[]> Names = new("--name") { Description = "REGISTRY=HOST[:PORT]: another name by which images call a hosted registry. May be repeated.", HelpName = "registry=host" };

    private static readonly Option<string?> Authority = new("--ca") { Description = "File on the nodes with the certificates that they trust for this server's https.", HelpName = "file" };

    private static readonly Option<bool> SkipVerify = new("--skip-verify") { Description = "Nodes take any certificate of this server's https; for trials." };

    private static readonly Option<bool> Force = new("--force") { Description = "Write over files that are somebody else's, or were changed by hand." };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only say what would be written." };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    public static Command Create()
    {
        var command = new Command("hosts", """
            Writes a hosts.toml for every cache and every hosted registry of the configuration: a folder for each name that images begin with,
            this server first, and for a cache its upstream second. Copy the folder to each node's /etc/containerd/certs.d; containerd reads it
            at each pull, without a restart. Files that are somebody else's stay as they are.
            Exit codes: 0 all there, 1 some were left as they are, 2 could not do it.

              holdfast containerd hosts --config holdfast.yaml --server 10.0.0.5 --output certs.d
              holdfast containerd hosts --config holdfast.yaml --server 10.0.0.5 --output certs.d --dry-run
              holdfast containerd hosts --config holdfast.yaml --server 10.0.0.5 --name private=registry.example --output certs.d
            """);
        Configuration.AddTo(command);
        foreach (var option in (Option[])[Output, Server, Names, Authority, SkipVerify, Force, DryRun, Json])
            command.Add(option);
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var console = parsed.InvocationConfiguration;
        var loaded = ConfigurationLoader.OfProcess().Load(Configuration.Read(parsed));
        if (loaded.Configuration is not { } configuration)
        {
            ConfigurationReport.WriteProblems(loaded.Problems, console.Error);
            return RootCommands.Failed;
        }

        var problems = new List<string>();
        var reach = Read(parsed, problems);
        var plan = new HostsPlan(configuration.Server, reach);
        var files = plan.Make();
        problems.AddRange(plan.Problems);
        foreach (var problem in problems)
            console.Error.WriteLine($"holdfast containerd hosts: {problem}");
        if (problems.Count > 0)
            return RootCommands.Failed;
        try
        {
            var written = new HostsWriting(parsed.GetRequiredValue(Output), parsed.GetValue(Force), parsed.GetValue(DryRun)).Write(files);
            if (parsed.GetValue(Json))
                WriteJson(written, plan.Notes, console.Output);
            else
                WriteText(written, plan.Notes, parsed.GetRequiredValue(Output), console.Output);
            return written.Exists(one => one.Outcome == HostsOutcome.Foreign) ? RootCommands.Findings : RootCommands.Fine;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            console.Error.WriteLine($"holdfast containerd hosts: {e.Message}");
            return RootCommands.Failed;
        }
    }

    private static NodeReach Read(ParseResult parsed, List<string> problems)
    {
        string? server = null;
        var addresses = new Dictionary<string, Uri>(StringComparer.Ordinal);
        foreach (var text in parsed.GetValue(Server) ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && CacheValueFaults.UpstreamUrl(text[(equals + 1)..]) is { } fault)
                problems.Add($"--server {text}: {fault}");
            else if (equals > 0)
                addresses[text[..equals]] = new Uri(text[(equals + 1)..]);
            else if (HostFault(text) is { } wrong)
                problems.Add($"--server {wrong}");
            else if (server is not null)
                problems.Add($"--server {text}: there is {server} already; say NAME=URL for a registry that is reached otherwise");
            else
                server = text;
        }

        return new NodeReach(server, addresses, ReadNames(parsed, problems)) { Authority = parsed.GetValue(Authority), SkipsVerification = parsed.GetValue(SkipVerify) };
    }

    private static string? HostFault(string text)
    {
        var host = text.StartsWith("http://", StringComparison.Ordinal) || text.StartsWith("https://", StringComparison.Ordinal) ? text[(text.IndexOf("//", StringComparison.Ordinal) + 2)..].TrimEnd('/') : text;
        if (CacheValueFaults.Namespace(host) is { } fault)
            return fault;
        var hasPort = !System.Net.IPAddress.TryParse(host, out _) && host.LastIndexOf(':') > host.LastIndexOf(']');
        return hasPort ? $"{text}: has a port, and each listener has its own; leave it out, or say whose it is: NAME={(host == text ? "http://" : "")}{text}" : null;
    }

    private static List<(string Registry, string Name)> ReadNames(ParseResult parsed, List<string> problems)
    {
        var names = new List<(string, string)>();
        foreach (var text in parsed.GetValue(Names) ?? [])
        {
            var parts = text.Split('=', 2);
            if (parts.Length < 2 || parts[0].Length == 0)
                problems.Add($"--name {text}: write REGISTRY=HOST, the registry as the configuration calls it and the name as images do");
            else if (CacheValueFaults.Namespace(parts[1]) is { } fault)
                problems.Add($"--name {text}: {fault}");
            else
                names.Add((parts[0], parts[1].ToLowerInvariant()));
        }

        return names;
    }

    private static void WriteText(List<WrittenHosts> written, List<string> notes, string output, TextWriter text)
    {
        foreach (var file in written)
        {
            text.WriteLine(file.Outcome switch
            {
                HostsOutcome.Written => $"{file.Path}: written ({file.Registry})",
                HostsOutcome.Unchanged => $"{file.Path}: unchanged ({file.Registry})",
                HostsOutcome.WouldWrite => $"{file.Path}: would be written ({file.Registry}):\n  {file.Content!.TrimEnd().ReplaceLineEndings("\n  ")}",
                HostsOutcome.Foreign => $"{file.Path}: left as it is: somebody else's, or changed by hand ({file.Registry}); --force writes over it",
                _ => $"{file.Path}: left as it is: written by this command, and of no registry here any more; remove the folder",
            });
        }

        foreach (var note in notes)
            text.WriteLine($"note: {note}");
        text.WriteLine($"Copy {output} to each node's /etc/containerd/certs.d, and there: holdfast containerd check");
    }

    private static void WriteJson(List<WrittenHosts> written, List<string> notes, TextWriter output)
    {
        output.WriteLine(JsonSerializer.Serialize(new { files = written, notes }, Indented));
    }
}
