using System.Text;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>A registry with users: alice may do everything, bob pulls from team, carol has only her own repositories, dave has nothing.</summary>
public sealed class AccessFixture : IAsyncLifetime
{
    private readonly string _htpasswd = Path.GetTempFileName();

    public RegistryFixture Registry { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var users = new[] { "alice", "bob", "carol", "dave" };
        await File.WriteAllLinesAsync(_htpasswd, users.Select(u => $"{u}:{Bcrypt.Hash(Encoding.UTF8.GetBytes(PasswordOf(u)), 4)}"));
        var auth = new AuthOptions
        {
            HtpasswdFile = _htpasswd,
            Access =
            [
                new AccessRule(["alice"], ["**"], RegistryActions.All),
                new AccessRule(["bob"], ["team/**"], RegistryActions.Pull),
                new AccessRule(["carol"], ["carol/**"], RegistryActions.All),
            ],
        };
        Registry.Options = Registry.Options with
        {
            Listeners =
            [
                new ListenerOptions { Url = new Uri("http://127.0.0.1:0"), Registry = "test" },
                new ListenerOptions { Url = new Uri("http://127.0.0.1:0"), Registry = "bearer" },
            ],
            Registries =
            [
                new RegistryOptions { Name = "test", Auth = auth },
                new RegistryOptions { Name = "bearer", Auth = auth with { Token = new TokenOptions() } },
            ],
        };
        await Registry.InitializeAsync();
    }

    public static string PasswordOf(string user) => $"{user}-secret";

    public static string Basic(string user) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{PasswordOf(user)}"));

    /// <summary>Sends as a user, or as nobody.</summary>
    public Task<HttpResponseMessage> SendAsync(string? user, HttpMethod method, string path, byte[]? body = null, string? contentType = null)
    {
        var content = body is null ? null : new ByteArrayContent(body);
        if (contentType is not null)
            content!.Headers.ContentType = new(contentType);
        return user is null
            ? Registry.SendAsync(method, path, content)
            : Registry.SendAsync(method, path, content, ("Authorization", Basic(user)));
    }

    public async ValueTask DisposeAsync()
    {
        await Registry.DisposeAsync();
        File.Delete(_htpasswd);
    }
}
