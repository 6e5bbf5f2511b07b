using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Protocol;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Who may pull what from a cache of Docker Hub: rules see the name that is kept, however clients write it.</summary>
public sealed class LibraryRulesTests : IDisposable
{
    private readonly string _users = Path.GetTempFileName();

    public LibraryRulesTests() => HtpasswdEditor.Open(_users, create: true).Set("ci", "pw", Bcrypt.MinCost);

    private static string Basic => "Basic " + Convert.ToBase64String("ci:pw"u8);

    public void Dispose() => File.Delete(_users);

    [Theory]
    [InlineData("library/**", true)]
    [InlineData("library/app", true)]
    [InlineData("app", false)]
    [InlineData("team/**", false)]
    public async Task Rule_OfACacheOfDockerHub_IsForTheNameThatIsKept(string pattern, bool may)
    {
        await using var lab = await StartAsync(pattern, token: false);
        var image = await lab.Origin.PushImageAsync("library/app", "v1", 1);
        foreach (var name in new[] { "app", "library/app" })
        {
            using var response = await lab.Server.GetAsync($"/v2/{name}/manifests/v1", ("Authorization", Basic));
            response.StatusCode.ShouldBe(may ? HttpStatusCode.OK : HttpStatusCode.Forbidden, name);
            if (may)
                (await response.Content.ReadAsByteArrayAsync()).ShouldBe(image);
        }
        if (!may)
            lab.Proxy.Requests.ShouldBeEmpty();
    }

    /// <summary>docker asks for a token for the name as its user wrote it, containerd for what the challenge says.</summary>
    [Theory]
    [InlineData("app")]
    [InlineData("library/app")]
    public async Task Token_ForEitherName_IsGoodForBoth(string scope)
    {
        await using var lab = await StartAsync("library/**", token: true);
        await lab.Origin.PushImageAsync("library/app", "v1", 1);
        using var issued = await lab.Server.GetAsync($"/token?service={lab.Name}&scope=repository:{scope}:pull", ("Authorization", Basic));
        var token = (await issued.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString();
        foreach (var name in new[] { "app", "library/app" })
        {
            using var response = await lab.Server.GetAsync($"/v2/{name}/manifests/v1", ("Authorization", "Bearer " + token));
            response.StatusCode.ShouldBe(HttpStatusCode.OK, name);
        }
        using var other = await lab.Server.GetAsync("/v2/other/manifests/v1", ("Authorization", "Bearer " + token));
        other.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        other.Headers.WwwAuthenticate.ToString().ShouldContain("repository:library/other:pull");
    }

    /// <summary>With library/ it would be longer than a name may be.</summary>
    [Fact]
    public async Task Name_OfTheGreatestLength_IsTakenAsItIs()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Namespace = "docker.io" });
        (await lab.PullAsync($"/v2/{new string('a', 255)}/manifests/v1")).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    private Task<CachingLab> StartAsync(string pattern, bool token) => CachingLab.StartAsync(new LabPlan
    {
        Namespace = "docker.io",
        Server = options => options with
        {
            Registries = [.. options.Registries.Select(registry => registry.Cache is null ? registry : registry with
            {
                Auth = new AuthOptions
                {
                    HtpasswdFile = _users, Anonymous = RegistryActions.None, Token = token ? new TokenOptions() : null, Access = [new AccessRule(["ci"], [pattern], RegistryActions.Pull)],
                },
            })],
        },
    });
}
