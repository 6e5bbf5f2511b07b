using System.CommandLine;

namespace Holdfast.Commands;

/// <summary>The command line: one file per command beside this one.</summary>
internal static class RootCommands
{
    public const int Fine = 0;
    public const int Findings = 1;
    public const int Failed = 2;

    private const string Description = """
        Holdfast, a container registry that never loses an image it has accepted.

          holdfast serve                                    an open registry on http://127.0.0.1:5000, stored in ./data
          holdfast serve --config /etc/holdfast.yaml        what the file says
          holdfast config sample > holdfast.yaml            a file to start from, every key explained
          holdfast config check --config holdfast.yaml      every problem in it, and what it would serve
          holdfast config from-registry2 config.yml         one made of a registry:2's configuration
          holdfast status --data ./data                     what the server of that folder does
          holdfast trash restore team/app:v1                takes a delete back
          holdfast gc status --data ./data                  what waits to be freed
          holdfast scrub status                             when the stored bytes were last checked
          holdfast incidents --data ./data                  what is wrong there, and what to do about it
          holdfast heal --data ./data                       tries now to heal what is damaged
          holdfast retention plan                           what the retention rules would remove, and why the rest stays
          holdfast verify registry.example/team/app:v1     reads an image of any registry as a client would, and says what is wrong
          holdfast probe --interval 15m registry.example    the same for whole registries, again and again, for Prometheus
          holdfast bench old.example new.example            how fast registries of any make are, side by side
          holdfast scan /var/lib/registry                   what is damaged in a registry:2's folder, and what mends it
          holdfast repair /var/lib/registry --donor HOST    mends it: links, and bytes from wherever they still are
          holdfast import /var/lib/registry                 moves in from a registry:2, without a second copy
          holdfast cache status                             what the caches hold, and how their upstreams are
          holdfast containerd hosts --output certs.d        what containerd's nodes need to pull through here
          holdfast containerd check                         on a node: what is wrong with its configuration
          holdfast user add ci --file htpasswd              a user, the password asked for or read from a file

        Then push to it:
          docker tag alpine 127.0.0.1:5000/alpine && docker push 127.0.0.1:5000/alpine
        If it runs, this answers {"status":"ok",…}:
          curl http://127.0.0.1:5000/readyz

        Exit codes: 0 fine, 1 findings, 2 could not do it (wrong usage, unreachable, refused).
        """;

    // An argument that begins with @ is the command's own affair, and no file of further arguments.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    public static int Invoke(string[] args)
    {
        Console.SetError(TextWriter.Synchronized(new ForgivingWriter(Console.Error)));
        // A server's start is waited for; it needs none of the others' options.
        var parsed = (args is ["serve", ..] ? Create([ServeCommand.Create()]) : Create()).Parse(args, Parsing);
        // Who asks for help has not yet written what the command needs.
        if (parsed.Errors.Count > 0 && !(parsed.Action is BriefHelp && parsed.UnmatchedTokens.Count == 0))
            return Refuse(parsed, args);
        try
        {
            // Null: serve stops in its own way, and may take as long as transfers run.
            return parsed.Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        }
        catch (Exception e)
        {
            // What can be expected, the commands explain themselves.
            Console.Error.WriteLine($"holdfast: {UsageFault.Describe(e)}");
            return Failed;
        }
    }

    private static int Refuse(ParseResult parsed, string[] args)
    {
        var problems = UsageFault.Explain(parsed).ToList();
        if (problems.Count == 0)
        {
            Create().Parse([.. args, "--help"], Parsing).Invoke(new InvocationConfiguration { Output = Console.Error });
            return Failed;
        }

        foreach (var problem in problems)
            Console.Error.WriteLine($"holdfast: {problem}");
        Console.Error.WriteLine($"See `{UsageFault.Spell(parsed.CommandResult.Command)} --help`.");
        return Failed;
    }

    internal static RootCommand Create() => Create(
        [
            ServeCommand.Create(),
            ConfigCommand.Create(),
            RebuildCommand.Create(),
            ScanCommand.Create(),
            RepairCommand.Create(),
            ImportCommand.Create(),
            UserCommand.Create(),
            StatusCommand.Create(),
            TrashCommand.Create(),
            GcCommand.Create(),
            ScrubCommand.Create(),
            IncidentsCommand.Create(),
            HealCommand.Create(),
            VerifyCommand.Create(),
            ProbeCommand.Create(),
            BenchCommand.Create(),
            RetentionCommand.Create(),
            CacheCommand.Create(),
            ContainerdCommand.Create(),
            KubernetesCommand.Create(),
        ]);

    private static RootCommand Create(IReadOnlyList<Command> commands)
    {
        var root = new RootCommand(Description);
        foreach (var command in commands)
            root.Add(command);
        BriefHelp.UseIn(root);
        return root;
    }
}
