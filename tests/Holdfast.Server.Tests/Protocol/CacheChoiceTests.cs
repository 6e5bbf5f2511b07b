using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>One listener for every cache, one for a single cache, and what a cache never takes.</summary>
public sealed class CacheChoiceTests : IAsyncLifetime
{
    private readonly string _users = Path.GetTempFileName();
    private RegistryFixture _registry = null!;

    private static string Credentials => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("ci:pw"));

    public async ValueTask InitializeAsync()
    {
        HtpasswdEditor.Open(_users, create: true).Set("ci", "pw", Bcrypt.MinCost);
        _registry = new RegistryFixture();
        _registry.Options = _registry.Options with
        {
            Listeners = [Listener("*"), Listener("hub"), Listener("test")],
            Registries =
            [
                new RegistryOptions { Name = "test" },
                new RegistryOptions { Name = "hub", Cache = CacheOf("docker.io") },
                new RegistryOptions
                {
                    Name = "private",
                    Cache = CacheOf("registry.example:5000"),
                    Auth = new AuthOptions { HtpasswdFile = _users, Anonymous = RegistryActions.None, Token = new TokenOptions() },
                },
            ],
        };
        await _registry.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        File.Delete(_users);
    }

    [Fact]
    public async Task EveryCache_BaseWithoutNamespace_Is200()
    {
        using var get = await _registry.GetAsync("/v2/");
        get.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var post = await _registry.SendAsync(HttpMethod.Post, "/v2/");
        post.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    [Theory]
    [InlineData("GET", "/v2/library/alpine/manifests/3")]
    [InlineData("GET", "/v2/library/alpine/manifests/3?ns=")]
    [InlineData("GET", "/v2/library/alpine/manifests/3?ns=docker.io&ns=docker.io")]
    [InlineData("GET", "/v2/library/alpine/tags/list")]
    [InlineData("GET", "/v2/_catalog")]
    [InlineData("POST", "/v2/library/alpine/blobs/uploads/")]
    public async Task EveryCache_PathWithoutNamespace_Is400AndSaysWhatThereIs(string method, string path)
    {
        using var response = await _registry.SendAsync(new HttpMethod(method), path);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await MessageAsync(response)).ShouldBe(
            "several caches lie behind this address: say which by one query parameter, ?ns=docker.io; there are caches of docker.io, registry.example:5000");
    }

    [Theory]
    [InlineData("/v2/library/alpine/manifests/3?ns=quay.io")]
    [InlineData("/v2/?ns=quay.io")]
    [InlineData("/v2/library/alpine/manifests/3?ns=test")]
    [InlineData("/v2/library/alpine/manifests/3?ns=docker.io:443")]
    public async Task EveryCache_UnknownNamespace_Is404AndSaysWhatThereIs(string path)
    {
        using var response = await _registry.GetAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await response.ErrorAsync()).Code.ShouldBe("NAME_UNKNOWN");
        (await MessageAsync(response)).ShouldContain("there are caches of docker.io, registry.example:5000");
    }

    [Theory]
    [InlineData("docker.io", "hub")]
    [InlineData("DOCKER.io", "hub")]
    [InlineData("registry.example%3A5000", "private")]
    public async Task EveryCache_KnownNamespace_IsThatCache(string name, string cache)
    {
        using var response = await _registry.GetAsync($"/v2/?ns={name}", ("Authorization", Credentials));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var metrics = await _registry.GetAsync("/metrics");
        (await metrics.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))
            .ShouldContain($"holdfast_http_requests_total{{registry=\"{cache}\",route=\"base\",method=\"GET\",code=\"200\"}}");
    }

    /// <summary>Who may pull is said by the cache, not by the listener; a token is asked for where it is the same cache's.</summary>
    [Fact]
    public async Task EveryCache_WithUsers_ChallengesAndGivesTokensOfThatCache()
    {
        using var refused = await _registry.GetAsync("/v2/app/tags/list?ns=registry.example:5000");
        refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var challenge = refused.Headers.WwwAuthenticate.ToString();
        challenge.ShouldContain($"realm=\"{_registry.Address}token?ns=registry.example%3A5000\",service=\"private\"");
        using var token = await _registry.GetAsync("/token?ns=registry.example:5000&service=private&scope=repository:app:pull", ("Authorization", Credentials));
        token.StatusCode.ShouldBe(HttpStatusCode.OK);
        var text = JsonDocument.Parse(await token.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("token").GetString();
        using var pulled = await _registry.GetAsync("/v2/app/tags/list?ns=registry.example:5000", ("Authorization", $"Bearer {text}"));
        pulled.StatusCode.ShouldNotBe(HttpStatusCode.Unauthorized);
        using var open = await _registry.GetAsync("/v2/?ns=docker.io");
        open.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("POST", "/v2/library/alpine/blobs/uploads/", "push to it there")]
    [InlineData("PATCH", "/v2/library/alpine/blobs/uploads/0b0c5d6a-0000-4000-8000-000000000000", "push to it there")]
    [InlineData("PUT", "/v2/library/alpine/manifests/3", "push to it there")]
    [InlineData("DELETE", "/v2/library/alpine/manifests/3", "delete it there; what nobody pulls any more goes from here by itself")]
    [InlineData("DELETE", "/v2/library/alpine/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "delete it there; what nobody pulls any more goes from here by itself")]
    public async Task Cache_PushOrDelete_Is405WithTheReason(string method, string path, string reason)
    {
        foreach (var address in new[] { new Uri(_registry.Addresses[0], path + "?ns=docker.io"), new Uri(_registry.Addresses[1], path) })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), address) { Content = new StringContent("{}") };
            using var response = await _registry.Http.SendAsync(request, TestContext.Current.CancellationToken);
            response.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
            response.Content.Headers.Allow.ShouldBe(["GET", "HEAD"]);
            (await response.ErrorAsync()).Code.ShouldBe("UNSUPPORTED");
            (await MessageAsync(response)).ShouldBe($"this is a cache of docker.io: {reason}");
        }
    }

    [Fact]
    public async Task OneCache_AskedForAnotherRegistry_Is404()
    {
        foreach (var (name, status) in new[] { ("quay.io", HttpStatusCode.NotFound), ("Docker.io", HttpStatusCode.OK) })
        {
            using var response = await _registry.Http.GetAsync(new Uri(_registry.Addresses[1], $"/v2/?ns={name}"), TestContext.Current.CancellationToken);
            response.StatusCode.ShouldBe(status);
        }
    }

    /// <summary>A hosted registry has as many names as its nodes give it.</summary>
    [Fact]
    public async Task Hosted_AskedUnderAnyName_Answers()
    {
        using var response = await _registry.Http.GetAsync(new Uri(_registry.Addresses[2], "/v2/?ns=whatever.example"), TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static async Task<string> MessageAsync(HttpResponseMessage response)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return body.RootElement.GetProperty("errors")[0].GetProperty("message").GetString()!;
    }

    private static ListenerOptions Listener(string registry) => new() { Url = new Uri("http://127.0.0.1:0"), Registry = registry };

    private static CacheOptions CacheOf(string name) =>
        new() { Upstream = new UpstreamOptions { Urls = [new Uri("http://127.0.0.1:9")], Namespace = name } };
}
