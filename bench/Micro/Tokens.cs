using System.Net;
using BenchmarkDotNet.Attributes;
using Holdfast.Oci;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;

namespace Holdfast.Micro;

/// <summary>Who sends a request: a token that is new here, and one that was seen before.</summary>
public class Tokens : IDisposable
{
    private readonly string _users = Path.GetTempFileName();
    private TokenIssuer _issuer = null!;
    private Authenticator _authenticator = null!;
    private string _token = "";
    private string _header = "";

    [GlobalSetup]
    public void Open()
    {
        File.WriteAllText(_users, "ci:$2y$05$5Ou3gvQ9tgkqOLnH4Yn6AuLGW0cFQlcWGNh4vxEjzdmMxKkJj2q5C\n");
        var options = new AuthOptions { HtpasswdFile = _users, Token = new TokenOptions() };
        var signer = TokenSigner.CreateEphemeral();
        _authenticator = Authenticator.Open(options, "main", signer, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        _issuer = _authenticator.Tokens!;
        var scope = new TokenScope();
        scope.Add(RepositoryName.Parse("team/tools/builder"), RegistryActions.Pull);
        _token = _issuer.Issue("ci", scope, DateTimeOffset.UtcNow);
        _header = "Bearer " + _token;
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _authenticator.Dispose();
        File.Delete(_users);
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public async Task<bool> Read() => await _issuer.ReadAsync(_token) is not null;

    [Benchmark]
    public async Task<bool> Remembered() =>
        (await _authenticator.AuthenticateAsync(_header, IPAddress.Loopback, CancellationToken.None)).Outcome == AuthenticationOutcome.Accepted;
}
