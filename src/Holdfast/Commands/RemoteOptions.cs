using System.CommandLine;
using Holdfast.Client;
using Holdfast.Client.Credentials;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary>The options by which a command reaches registries of any make: who asks, whom to trust, how long to wait.</summary>
/// <param name="askingOnly">Who asks and whom to trust alone, for a command that sends its requests in its own way?</param>
internal sealed class RemoteOptions(bool askingOnly = false)
{
    private const int MaxParallel = 256;

    private readonly Option<string?> user = new("--user") { Description = "Who asks. Default: what docker, podman or skopeo have logged in with, their credential helpers included; else nobody.", HelpName = "name" };
    private readonly Option<bool> passwordStdin = new("--password-stdin") { Description = "With --user: read the password from standard input." };
    private readonly Option<string?> passwordFile = new("--password-file") { Description = "With --user: the file with the password. Default: it is asked for.", HelpName = "file" };
    private readonly Option<string?> authority = new("--ca") { Description = "Certificates (PEM) to trust beside the machine's.", HelpName = "file" };
    private readonly Option<bool> plainHttp = new("--plain-http") { Description = "Ask over plain http where no https:// is written, other machines too; passwords are then sent readable. On this machine's own addresses it is tried anyway." };
    private readonly Option<int> parallel = new("--parallel") { Description = "Requests at once.", HelpName = "number", DefaultValueFactory = _ => 8 };
    private readonly Option<string?> wait = new("--wait") { Description = "How long one request may wait in all while the registry asks for time (429, Retry-After). Default: 5m.", HelpName = "duration" };

    private readonly Option<string> minRate = new("--min-rate") { Description = "Give up an object of which less comes over a minute, for it would hold everything up; 0: never.", HelpName = "rate", DefaultValueFactory = _ => "1KiB/s" };

    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[user, passwordStdin, passwordFile, authority, plainHttp])
            command.Add(option);
        foreach (var option in askingOnly ? [] : (ReadOnlySpan<Option>)[parallel, wait, minRate])
            command.Add(option);
    }

    /// <summary>Reads the options once, a password too.</summary>
    /// <exception cref="RemoteFault">They don't fit together, or a file that they name can't be read.</exception>
    public async Task<RemoteAccess> ReadAsync(ParseResult parsed, CancellationToken token)
    {
        if (parsed.GetValue(authority) is { } file && ReadableFile.Fault(file) is { } unreadable)
            throw new RemoteFault($"--ca: {unreadable}");
        if (askingOnly)
            return new RemoteAccess { Given = await GivenAsync(parsed, token), Authority = parsed.GetValue(authority), PlainHttp = parsed.GetValue(plainHttp), Parallel = 1, HasPatienceOption = false };
        var requests = parsed.GetValue(parallel);
        if (requests is < 1 or > MaxParallel)
            throw new RemoteFault($"--parallel {requests}: 1 to {MaxParallel} are accepted");
        var patience = TimeSpan.FromMinutes(5);
        if (parsed.GetValue(wait) is { } duration && Quantity.ParseDuration(duration, out patience) is { } fault)
            throw new RemoteFault($"--wait: {fault}");
        var least = 0L;
        if (parsed.GetValue(minRate) is var rate && rate != "0" && Quantity.ParseRate(rate!, out least) is { } wrong)
            throw new RemoteFault($"--min-rate: {wrong}");
        return new RemoteAccess
        {
            Given = await GivenAsync(parsed, token),
            Authority = parsed.GetValue(authority),
            PlainHttp = parsed.GetValue(plainHttp),
            Parallel = requests,
            Patience = patience,
            MinBytesPerSecond = least,
        };
    }

    private async Task<Credential?> GivenAsync(ParseResult parsed, CancellationToken token)
    {
        var (name, fromStdin, file) = (parsed.GetValue(user), parsed.GetValue(passwordStdin), parsed.GetValue(passwordFile));
        if (name is null)
            return fromStdin || file is not null ? throw new RemoteFault("a password goes with --user, which says whose it is") : null;
        if (name.Contains(':', StringComparison.Ordinal))
            throw new RemoteFault("--user takes the name alone: others on this machine could read a password there; give --password-stdin or --password-file F");
        try
        {
            return new Credential(name, await new PasswordSource(fromStdin, file, Console.Error).ReadAsync(confirm: false, token), "--user");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new RemoteFault(e.Message, e);
        }
    }
}
