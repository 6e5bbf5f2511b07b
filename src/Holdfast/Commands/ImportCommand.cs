using System.CommandLine;
using System.Data.Common;
using Holdfast.Configuration;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;

namespace Holdfast.Commands;

/// <summary><c>holdfast import</c>: takes images in from a registry:2's folder, any registry, an OCI layout or an archive.</summary>
internal static class ImportCommand
{
    private const string Description = """
        Takes images into a hosted registry: from a registry:2's folder (without a second copy, where the file system allows that), from any registry by its address, from an OCI
        layout, or from an archive of docker save, podman save or skopeo. Digests, tags and, where they are known, the times of pushes stay what they are. What is whole is taken,
        the rest is listed with the reason. Run again, it takes what is new. The server of the data folder may run, and so may the old registry; pushes and pulls go on.

          holdfast import /var/lib/registry --dry-run               what would be taken, and what is not whole
          holdfast import /var/lib/registry --data /srv/holdfast    every repository, tag and manifest of it
          holdfast import /var/lib/registry --data /srv/holdfast --follow
                                                                    again and again, until Ctrl-C at the cut-over
          holdfast import old.example:5000 --repository 'infra/**'  from a registry elsewhere, with what refers to the images
          holdfast import old.example:5000/app:v1                   one image
          holdfast import ./layout --into team/app                  an OCI layout that names only tags
          holdfast import app.tar --server https://new.example:5000 --server-user admin --server-password-file F
                                                                    into a server elsewhere
          holdfast import app.tar --json | jq '.findings[]'

        Exit codes: 0 everything is here as it is there, 1 something is not and is listed, 2 it could not be done (what was taken stays; run it again).
        """;

    private static readonly Argument<string> Source = new("source") { Description = "A folder or a file on this machine, or HOST, HOST/REPOSITORY, HOST/REPOSITORY:TAG." };

    private static readonly Option<string?> Registry = new("--registry") { Description = "The hosted registry that takes it in, by its name in the configuration. Default: the only one.", HelpName = "name" };

    private static readonly Option<string[]> Repositories = new("--repository") { Description = "Only these of the source: a name or a pattern ('infra/**'). May be repeated.", HelpName = "pattern" };

    private static readonly Option<string?> Into = new("--into") { Description = "The repository that everything goes into; needed where the source names none.", HelpName = "name" };

    private static readonly Option<string?> Prefix = new("--prefix") { Description = "Put this and a slash before the names of repositories.", HelpName = "name" };

    private static readonly Option<string> Link = new("--link")
    {
        Description = "How files are brought in: reflink and hard need no second copy; copy does; auto takes the first of these that the file system allows.",
        HelpName = "auto|hard|reflink|copy",
        DefaultValueFactory = _ => "auto",
    };

    private static readonly Option<bool> Trust = new("--trust") { Description = "Don't hash what is linked: the first pull of it does that, or the scrub before. Many times faster." };

    private static readonly Option<bool> Tagged = new("--tagged") { Description = "Leave out what has no tag and belongs to nothing that has one." };

    private static readonly Option<bool> ReplaceTags = new("--replace-tags") { Description = "Move tags, too, that clients have pushed here since, or that are later here." };

    private static readonly Option<bool> Follow = new("--follow") { Description = "Go on until SIGINT (Ctrl-C) or SIGTERM, then look once more and end; a second signal ends at once." };

    private static readonly Option<string> Interval = new("--interval") { Description = "With --follow: the pause between two looks.", HelpName = "duration", DefaultValueFactory = _ => "30s" };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only say what would be taken. Bytes are not hashed." };

    private static readonly Option<string?> Server = new("--server") { Description = "A server elsewhere takes it in, instead of a data folder here: http(s)://host:port.", HelpName = "url" };

    private static readonly Option<string?> ServerUser = new("--server-user") { Description = "With --server: a user who may administer it (action admin).", HelpName = "name" };

    private static readonly Option<string?> ServerPasswordFile = new("--server-password-file") { Description = "With --server: the file with the password. Default: it is asked for.", HelpName = "file" };

    private static readonly Option<string?> ServerAuthority = new("--server-ca") { Description = "With --server: certificates (PEM) to trust instead of the machine's.", HelpName = "file" };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object at the end." };

    public static Command Create()
    {
        var configuration = new ConfigurationOptions(mayListen: false);
        var remote = new RemoteOptions();
        var command = new Command("import", Description) { Source };
        configuration.AddTo(command);
        foreach (var option in (ReadOnlySpan<Option>)[Registry, Repositories, Into, Prefix, Link, Trust, Tagged, ReplaceTags, Follow, Interval, DryRun, Server, ServerUser, ServerPasswordFile, ServerAuthority, Json])
            command.Add(option);
        remote.AddTo(command);
        command.SetAction((parsed, token) => RunAsync(parsed, configuration.Read(parsed), remote, token));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, ConfigurationArguments arguments, RemoteOptions remote, CancellationToken cancellationToken)
    {
        using var signals = new StopSignals();
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var isFollowing = parsed.GetValue(Follow);
        var running = GuardAsync(parsed, arguments, remote, signals, stopped.Token);
        // Whoever follows, ends at the first signal in its own way.
        if (await Task.WhenAny(running, isFollowing ? signals.Second : signals.First) == running)
            return await running;
        await stopped.CancelAsync();
        await Task.WhenAny(running, signals.Second);
        await parsed.InvocationConfiguration.Error.WriteLineAsync("holdfast import: stopped; what was taken by then stays, and the next run takes the rest");
        return 128 + signals.Number;
    }

    private static async Task<int> GuardAsync(
        ParseResult parsed, ConfigurationArguments arguments, RemoteOptions remote, StopSignals signals, CancellationToken token)
    {
        var errors = parsed.InvocationConfiguration.Error;
        try
        {
            var order = ReadOrder(parsed);
            if (order.Server is not null && arguments.Data is not null)
                throw new RemoteFault("give --server or --data, not both");
            var loaded = ConfigurationLoader.OfProcess().Load(arguments);
            ConfigurationReport.WriteProblems(loaded.Problems, errors);
            if (loaded.Configuration is not { } configuration)
                return RootCommands.Failed;
            var access = await remote.ReadAsync(parsed, token);
            await using var run = new ImportRun(order with { Parallel = access.Parallel }, parsed.InvocationConfiguration);
            return await run.RunAsync(configuration, access, signals, token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            return RootCommands.Failed;
        }
        catch (StoreFullException e)
        {
            await errors.WriteLineAsync($"holdfast import: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}; {AdminFaults.WhenFull}");
        }
        catch (DataFolderInUseException e)
        {
            await errors.WriteLineAsync($"holdfast import: {e.Message}, and its socket can't be used: run this as the user that it runs as, or as root");
        }
        catch (Exception e) when (e is RemoteFault or AdminFault or DbException or IOException or UnauthorizedAccessException or InvalidDataException or FormatException)
        {
            await errors.WriteLineAsync($"holdfast import: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}");
        }
        return RootCommands.Failed;
    }

    private static ImportOrder ReadOrder(ParseResult parsed)
    {
        if (parsed.GetValue(Into) is not null && parsed.GetValue(Prefix) is not null)
            throw new RemoteFault("--into names one repository and --prefix goes before many names: give one of the two");
        if (Quantity.ParseDuration(parsed.GetValue(Interval)!, out var interval) is { } fault || (fault = interval <= TimeSpan.Zero ? "more than 0 is needed" : null) is not null)
            throw new RemoteFault($"--interval: {fault}");
        return new ImportOrder
        {
            Source = parsed.GetRequiredValue(Source),
            Registry = parsed.GetValue(Registry),
            Repositories = [.. (parsed.GetValue(Repositories) ?? []).Select(ParsePattern)],
            Into = ParseName("--into", parsed.GetValue(Into)),
            Prefix = ParseName("--prefix", parsed.GetValue(Prefix)?.TrimEnd('/')),
            Link = ParseLink(parsed.GetValue(Link)!),
            IsTrusted = parsed.GetValue(Trust),
            TaggedOnly = parsed.GetValue(Tagged),
            ReplacesTags = parsed.GetValue(ReplaceTags),
            IsFollowing = parsed.GetValue(Follow),
            Interval = interval,
            IsDry = parsed.GetValue(DryRun),
            Server = ReadServer(parsed),
            Json = parsed.GetValue(Json),
        };
    }

    private static ImportServer? ReadServer(ParseResult parsed)
    {
        if (parsed.GetValue(Server) is not { } url)
        {
            foreach (var option in (ReadOnlySpan<Option<string?>>)[ServerUser, ServerPasswordFile, ServerAuthority])
            {
                if (parsed.GetValue(option) is not null)
                    throw new RemoteFault($"{option.Name} goes with --server; a data folder here takes no credentials");
            }
            return null;
        }
        if (parsed.GetValue(Trust) || ParseLink(parsed.GetValue(Link)!) is LinkKind.Hard or LinkKind.Reflink)
            throw new RemoteFault("a server elsewhere gets bytes and hashes them: --trust and --link hard or reflink go with a data folder on this machine (--data)");
        return new ImportServer(
            url, parsed.GetValue(ServerUser) ?? throw new RemoteFault("--server needs --server-user, a user who may administer it, and --server-password-file"),
            parsed.GetValue(ServerPasswordFile), parsed.GetValue(ServerAuthority));
    }

    private static RepositoryPattern ParsePattern(string text) =>
        RepositoryPattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new RemoteFault($"--repository '{text}': {problem}");

    private static RepositoryName ParseName(string option, string? text) => text is null ? default
        : RepositoryName.TryParse(text, out var name) ? name
        : throw new RemoteFault($"{option} '{text}' is no repository's name: lower-case letters, digits, and . _ - / between them");

    private static LinkKind ParseLink(string text) => text switch
    {
        "auto" => LinkKind.Auto,
        "hard" => LinkKind.Hard,
        "reflink" => LinkKind.Reflink,
        "copy" => LinkKind.Copy,
        _ => throw new RemoteFault($"--link '{text}': auto, hard, reflink or copy"),
    };
}

/// <summary>What the command line says.</summary>
internal sealed record ImportOrder
{
    public required string Source { get; init; }

    public string? Registry { get; init; }

    public IReadOnlyList<RepositoryPattern> Repositories { get; init; } = [];

    /// <summary>None: each where its name says.</summary>
    public RepositoryName Into { get; init; }

    public RepositoryName Prefix { get; init; }

    public LinkKind Link { get; init; }

    public bool IsTrusted { get; init; }

    public bool TaggedOnly { get; init; }

    public bool ReplacesTags { get; init; }

    public bool IsFollowing { get; init; }

    public TimeSpan Interval { get; init; }

    public bool IsDry { get; init; }

    public bool Json { get; init; }

    /// <summary>Null: a data folder on this machine.</summary>
    public ImportServer? Server { get; init; }

    public int Parallel { get; init; } = 8;
}

/// <summary>A server elsewhere, and who asks there.</summary>
/// <param name="PasswordFile">Null: it is asked for.</param>
internal sealed record ImportServer(string Url, string User, string? PasswordFile, string? Authority);
