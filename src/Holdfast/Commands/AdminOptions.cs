using System.CommandLine;
using Holdfast.Client;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary>The options by which a command finds the server that it administers, and how it answers.</summary>
internal sealed class AdminOptions
{
    public const string SocketName = "admin.sock";

    private readonly Option<string?> data = new("--data") { Description = "The server's data folder. Default: the configuration's, else ./data.", HelpName = "folder" };
    private readonly Option<string?> config = new("--config", "-c") { Description = "The server's configuration, for its data folder. Default: HOLDFAST_CONFIG, else none.", HelpName = "file" };
    private readonly Option<string?> server = new("--server") { Description = "A server elsewhere, instead of a data folder: http(s)://host:port.", HelpName = "url" };
    private readonly Option<string?> user = new("--user") { Description = "With --server: a user who may administer (action admin).", HelpName = "name" };
    private readonly Option<string?> passwordFile = new("--password-file") { Description = "With --server: the file with the password. Default: it is asked for.", HelpName = "file" };
    private readonly Option<string?> authority = new("--ca") { Description = "With --server: certificates (PEM) to trust instead of the machine's.", HelpName = "file" };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON object." };

    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[data, config, server, user, passwordFile, authority, json])
            command.Add(option);
    }

    public bool Json(ParseResult parsed) => parsed.GetValue(json);

    /// <exception cref="AdminFault">The options don't fit together, or a file that they name can't be read.</exception>
    public async Task<AdminConnection> OpenAsync(ParseResult parsed, CancellationToken token)
    {
        if (parsed.GetValue(server) is { } url)
            return await OpenRemoteAsync(parsed, url, token);
        foreach (var option in (ReadOnlySpan<Option<string?>>)[user, passwordFile, authority])
        {
            if (parsed.GetValue(option) is not null)
                throw new AdminFault($"{option.Name} goes with --server; the socket in a data folder takes no credentials");
        }
        return AdminConnection.ToFolder(FindFolder(parsed), SocketName);
    }

    private string FindFolder(ParseResult parsed)
    {
        if (parsed.GetValue(data) is { } given)
            return Path.GetFullPath(given);
        var (folder, problems) = ConfigurationLoader.OfProcess().FindDataFolder(parsed.GetValue(config));
        return folder ?? throw new AdminFault($"{string.Join("; ", problems)}; or name the server's data folder with --data");
    }

    private async Task<AdminConnection> OpenRemoteAsync(ParseResult parsed, string url, CancellationToken token)
    {
        if (parsed.GetValue(data) is not null || parsed.GetValue(config) is not null)
            throw new AdminFault("give --server, or --data or --config, not both");
        if (parsed.GetValue(user) is not { } name)
            throw new AdminFault("--server needs --user, a user who may administer, and --password-file");
        return await ConnectAsync(url, name, parsed.GetValue(passwordFile), parsed.GetValue(authority), token);
    }

    /// <exception cref="AdminFault">The URL is none, or a file that is named can't be read.</exception>
    public static async Task<AdminConnection> ConnectAsync(string url, string user, string? passwordFile, string? authority, CancellationToken token)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.PathAndQuery != "/" || address.UserInfo.Length > 0)
            throw new AdminFault($"--server '{RegistryTarget.WithoutUser(url)}' is not of the form http://host:port or https://host:port");
        try
        {
            var password = await new PasswordSource(false, passwordFile, Console.Error).ReadAsync(confirm: false, token);
            return AdminConnection.ToServer(address, user, password, authority);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new AdminFault(e.Message.Replace("--password-stdin or ", "", StringComparison.Ordinal), e);
        }
    }
}
