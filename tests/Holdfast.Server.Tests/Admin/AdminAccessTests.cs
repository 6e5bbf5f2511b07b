using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Protocol;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Admin;

/// <summary>Who may administer over a listener. ops may, by a rule for everything; team only by a rule for team/**; ci may all that isn't administration.</summary>
public sealed class AdminAccessTests : IAsyncLifetime
{
    private const int Rules = 0;
    private const int NoRules = 1;
    private const int Bearer = 2;
    private const int Open = 3;

    private readonly string _htpasswd = Path.GetTempFileName();
    private readonly RegistryFixture _registry = new();

    public async ValueTask InitializeAsync()
    {
        string[] users = ["ops", "team", "ci"];
        await File.WriteAllLinesAsync(_htpasswd, users.Select(u => $"{u}:{Bcrypt.Hash(Encoding.UTF8.GetBytes(AccessFixture.PasswordOf(u)), 4)}"));
        var auth = new AuthOptions
        {
            HtpasswdFile = _htpasswd,
            Anonymous = RegistryActions.Pull,
            Access =
            [
                new AccessRule(["ops"], ["**"], RegistryActions.Admin),
                new AccessRule(["team"], ["team/**"], RegistryActions.All | RegistryActions.Admin),
                new AccessRule(["ci"], ["**"], RegistryActions.All),
            ],
        };
        string[] names = ["rules", "norules", "bearer", "open"];
        _registry.Options = _registry.Options with
        {
            Listeners = [.. names.Select(name => new ListenerOptions { Url = new Uri("http://127.0.0.1:0"), Registry = name })],
            Registries =
            [
                new RegistryOptions { Name = "rules", Auth = auth },
                new RegistryOptions { Name = "norules", Auth = auth with { Access = [] } },
                new RegistryOptions { Name = "bearer", Auth = auth with { Token = new TokenOptions() } },
                new RegistryOptions { Name = "open" },
            ],
        };
        await _registry.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        File.Delete(_htpasswd);
    }

    [Theory]
    [InlineData(Rules, "ops", HttpStatusCode.OK)]
    [InlineData(Bearer, "ops", HttpStatusCode.OK)]
    [InlineData(NoRules, "ops", HttpStatusCode.Forbidden)]
    [InlineData(Rules, "team", HttpStatusCode.Forbidden)]
    [InlineData(Rules, "ci", HttpStatusCode.Forbidden)]
    [InlineData(Rules, "nobody", HttpStatusCode.Unauthorized)]
    [InlineData(Rules, null, HttpStatusCode.Unauthorized)]
    [InlineData(Open, "ops", HttpStatusCode.Forbidden)]
    [InlineData(Open, null, HttpStatusCode.Forbidden)]
    public async Task Status_OverAListener_IsForWhoMayAdminister(int listener, string? user, HttpStatusCode status)
    {
        using var response = await GetAsync(listener, user is null ? null : AccessFixture.Basic(user));
        response.StatusCode.ShouldBe(status);
        // A path that isn't there tells no more to whom it refuses.
        using var unknown = await GetAsync(listener, user is null ? null : AccessFixture.Basic(user), "/api/v1/nothing");
        unknown.StatusCode.ShouldBe(status == HttpStatusCode.OK ? HttpStatusCode.NotFound : status);
        if (status == HttpStatusCode.Unauthorized)
            response.Headers.WwwAuthenticate.ToString().ShouldBe("Basic realm=\"holdfast\"");
    }

    [Fact]
    public async Task Status_OverAnOpenRegistry_NamesTheSocket()
    {
        using var response = await GetAsync(Open, null);
        (await response.Content.ReadAsStringAsync()).ShouldContain("through admin.sock in its data folder (commands take it with --data)");
    }

    [Fact]
    public async Task Status_WithATokenOfWhoMay_IsRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_registry.Addresses[Bearer], "/token?service=bearer&scope=repository:a:pull"));
        request.Headers.TryAddWithoutValidation("Authorization", AccessFixture.Basic("ops"));
        using var answer = JsonDocument.Parse(await (await _registry.Http.SendAsync(request)).Content.ReadAsStringAsync());
        using var response = await GetAsync(Bearer, "Bearer " + answer.RootElement.GetProperty("token").GetString());
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("https://elsewhere.example", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    [InlineData("", HttpStatusCode.OK)]
    [InlineData("own", HttpStatusCode.OK)]
    public async Task Status_FromAPageOfAnotherSite_IsRefused(string origin, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_registry.Addresses[Rules], "/api/v1/status"));
        request.Headers.TryAddWithoutValidation("Authorization", AccessFixture.Basic("ops"));
        if (origin.Length > 0)
            request.Headers.TryAddWithoutValidation("Origin", origin == "own" ? _registry.Addresses[Rules].GetLeftPart(UriPartial.Authority) : origin);
        using var response = await _registry.Http.SendAsync(request);
        response.StatusCode.ShouldBe(status);
    }

    [Fact]
    public async Task Pull_ByWhoMayOnlyAdminister_IsWhatEveryoneMay()
    {
        using var push = await _registry.SendAsync(HttpMethod.Post, "/v2/a/blobs/uploads/", null, ("Authorization", AccessFixture.Basic("ops")));
        push.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        using var pull = await _registry.GetAsync("/v2/a/tags/list", ("Authorization", AccessFixture.Basic("ops")));
        pull.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Status_ThroughTheSocket_NeedsNoCredentials()
    {
        using var status = JsonDocument.Parse(await _registry.Admin.GetStringAsync("/api/v1/status"));
        status.RootElement.GetProperty("registries").EnumerateArray().Select(name => name.GetString()).ShouldBe(["rules", "norules", "bearer", "open"]);
        status.RootElement.GetProperty("version").GetString().ShouldNotBeNullOrEmpty();
        status.RootElement.GetProperty("freeBytes").GetInt64().ShouldBeGreaterThan(0);
    }

    private async Task<HttpResponseMessage> GetAsync(int listener, string? authorization, string path = "/api/v1/status")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_registry.Addresses[listener], path));
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return await _registry.Http.SendAsync(request);
    }
}
