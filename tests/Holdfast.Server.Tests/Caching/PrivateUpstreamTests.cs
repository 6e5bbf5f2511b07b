using System.Net;
using System.Text;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Upstreams that want a password: where it goes, and what becomes of it when it is changed.</summary>
public sealed class PrivateUpstreamTests : IDisposable
{
    private readonly string _users = Path.GetTempFileName();
    private readonly string _password = Path.GetTempFileName();

    public PrivateUpstreamTests()
    {
        HtpasswdEditor.Open(_users, create: true).Set("ci", "pw", Bcrypt.MinCost);
        File.WriteAllText(_password, "pw\n");
    }

    public void Dispose()
    {
        File.Delete(_users);
        File.Delete(_password);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Password_ThatIsCorrectedInItsFile_IsUsedWithoutARestart(bool token)
    {
        await File.WriteAllTextAsync(_password, "old\n");
        await using var lab = await StartAsync(token);
        var image = await lab.PushAsync("v1", 1, 1000);
        var (status, body, _) = await lab.PullAsync(lab.Manifest("v1"));
        status.ShouldBe(HttpStatusCode.Forbidden, Encoding.UTF8.GetString(body));
        (await lab.PullAsync(lab.Blob(image.Layer))).Status.ShouldBe(HttpStatusCode.Forbidden);
        await File.WriteAllTextAsync(_password, "pw\n");
        lab.Time.Advance(TimeSpan.FromMinutes(1)); // Past what was just said of the tag, and the upstream's pause after wrong logins.
        await lab.ShouldPullAsync(image, "v1");
        // Away for a moment, as while it is replaced: what was last read holds.
        File.Delete(_password);
        var next = await lab.PushAsync("v2", 2, 1000);
        await lab.ShouldPullAsync(next, "v2");
    }

    /// <summary>Whoever can read the way to it could read the password.</summary>
    [Theory]
    [InlineData("http://192.0.2.1:9/token")]
    [InlineData("http://token.example/token")]
    public async Task TokenRealm_OfPlainHttpElsewhere_GetsNoPassword(string realm)
    {
        await using var lab = await StartAsync(token: true);
        lab.Proxy.Add(new Fault { Of = Fault.Any("/v2/"), Status = 401, Headers = [("WWW-Authenticate", $"Bearer realm=\"{realm}\",service=\"registry\"")] });
        foreach (var path in new[] { lab.Manifest("v1"), lab.Manifest(Samples.DigestOf([1])), lab.Blob([1]), $"/v2/{CachingLab.Repository}/tags/list" })
        {
            var (status, body, _) = await lab.PullAsync(path).WaitAsync(TimeSpan.FromSeconds(8));
            status.ShouldBe(HttpStatusCode.Forbidden, path);
            Encoding.UTF8.GetString(body).ShouldContain("plain http");
        }
        lab.Proxy.Requests.ShouldAllBe(static asked => asked.Header("Authorization").Length == 0);
    }

    /// <summary>On this machine nobody else reads along.</summary>
    [Fact]
    public async Task TokenRealm_OfPlainHttpOnThisMachine_IsUsed()
    {
        await using var lab = await StartAsync(token: true);
        await lab.ShouldPullAsync(await lab.PushAsync("v1", 1, 1000), "v1");
    }

    private async Task<CachingLab> StartAsync(bool token)
    {
        var lab = await CachingLab.StartAsync(new LabPlan
        {
            Origin = options => options with
            {
                Registries = [new RegistryOptions { Name = "test", Auth = new AuthOptions { HtpasswdFile = _users, Anonymous = RegistryActions.None, Token = token ? new TokenOptions() : null } }],
            },
            Cache = cache => cache with { Upstream = cache.Upstream with { Insecure = false, Username = "ci", PasswordFile = _password } },
        });
        lab.Origin.Http.DefaultRequestHeaders.Add("Authorization", "Basic " + Convert.ToBase64String("ci:pw"u8));
        return lab;
    }
}
