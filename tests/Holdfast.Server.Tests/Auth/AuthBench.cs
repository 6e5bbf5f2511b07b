using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Server.Tests.Auth;

/// <summary>A registry's authenticator over an htpasswd file in a folder of its own; alice and bob have their names' passwords.</summary>
internal sealed class AuthBench : IDisposable
{
    public static readonly IPAddress Here = IPAddress.Parse("192.0.2.1");
    public static readonly IPAddress Elsewhere = IPAddress.Parse("198.51.100.7");

    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-auth-").FullName;

    public AuthBench(Func<AuthOptions, AuthOptions>? configure = null, string registry = "private", TokenSigner? signer = null)
    {
        // Metrics know a file by its name alone, and other tests have files too.
        Htpasswd = Path.Combine(_folder, Path.GetFileName(_folder) + ".htpasswd");
        WriteUsers(("alice", "alice-password"), ("bob", "bob-password"));
        Signer = signer ?? TokenSigner.CreateEphemeral();
        var options = new AuthOptions { HtpasswdFile = Htpasswd };
        Registry = registry;
        Authenticator = Authenticator.Open(configure?.Invoke(options) ?? options, registry, Signer, Time, NullLogger.Instance);
    }

    public ManualTime Time { get; } = new();

    public TokenSigner Signer { get; }

    public string Registry { get; }

    public string Htpasswd { get; }

    public Authenticator Authenticator { get; }

    public static Func<AuthOptions, AuthOptions> WithTokens { get; } = o => o with { Token = new TokenOptions() };

    public static string Basic(string name, string password) => BasicCredentials.Header(name, password);

    public static HttpContext Request(string? authorization = null, string method = "GET", string target = "/v2/")
    {
        var context = new DefaultHttpContext();
        var question = target.IndexOf('?', StringComparison.Ordinal);
        context.Request.Method = method;
        context.Request.Scheme = "https";
        context.Request.Host = new HostString("registry.example:5050");
        context.Request.Path = question < 0 ? target : target[..question];
        context.Request.QueryString = new QueryString(question < 0 ? "" : target[question..]);
        if (authorization is not null)
            context.Request.Headers.Authorization = authorization;
        context.Response.Body = new MemoryStream();
        return context;
    }

    /// <summary>Replaces the file as an editor does, by a rename.</summary>
    public void WriteUsers(params (string Name, string Password)[] users) =>
        Replace(string.Concat(users.Select(u => $"{u.Name}:{Bcrypt.Hash(Encoding.UTF8.GetBytes(u.Password), Bcrypt.MinCost)}\n")));

    public void Replace(string text)
    {
        File.WriteAllText(Htpasswd + ".new", text);
        File.Move(Htpasswd + ".new", Htpasswd, overwrite: true);
    }

    public async Task<AuthenticationResult> AuthenticateAsync(string authorization, IPAddress? from = null) =>
        await Authenticator.AuthenticateAsync(Request(authorization), from ?? Here, CancellationToken.None);

    public async Task<Admission> AdmitAsync(string? authorization, string path, RegistryActions needed) =>
        await Authenticator.AdmitAsync(Request(authorization, target: path), RegistryRoute.Parse(path), needed, Here, CancellationToken.None);

    public async Task<(int Status, JsonElement Body, HttpResponse Response)> AskTokenAsync(HttpContext context, IPAddress? from = null)
    {
        await new TokenHandler(Authenticator, Time).HandleAsync(context, from ?? Here, CancellationToken.None);
        var body = ((MemoryStream)context.Response.Body).ToArray();
        return (context.Response.StatusCode, JsonDocument.Parse(body).RootElement, context.Response);
    }

    public async Task<string> TokenAsync(string? authorization, params string[] scopes)
    {
        var query = string.Join('&', scopes.Select(s => "scope=" + Uri.EscapeDataString(s)));
        var (status, body, _) = await AskTokenAsync(Request(authorization, target: "/token?" + query));
        return status == 200 ? body.GetProperty("token").GetString()! : throw new InvalidOperationException($"{status}: {body}");
    }

    public static RepositoryName Name(string text) => RepositoryName.Parse(text);

    public void Dispose()
    {
        Authenticator.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
