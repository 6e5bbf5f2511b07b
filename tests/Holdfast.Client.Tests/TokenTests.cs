using System.Text.Json;
using Holdfast.Server.Tests.Hosting;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

public class TokenTests
{
    private static readonly byte[] Blob = Samples.Bytes(7, 1_000);

    [Fact]
    public async Task Token_FromAnEndpointElsewhere_IsFetchedOnceWithCredentialsAndScope()
    {
        await using var endpoint = await Upstream.StartAsync((context, _) => GiveAsync(context, "t0ken", 300));
        await using var registry = await WantTokenAsync(new Uri(endpoint.Address, "/auth?tenant=1").ToString(), "t0ken");
        using var client = Samples.Client(registry.Address, withUser: true);

        await DownloadAsync(client);
        await DownloadAsync(client);

        var asked = endpoint.Requests.ShouldHaveSingleItem();
        asked.Target.ShouldBe("/auth?tenant=1&service=the%20registry&scope=repository%3Ateam%2Fapp%3Apull");
        asked.Authorization.ShouldBe(Samples.Basic);
        registry.Requests.Select(r => r.Authorization).ShouldBe([null, "Bearer t0ken", "Bearer t0ken"]);
    }

    [Fact]
    public async Task Token_WithoutCredentials_IsAskedForAsNobody()
    {
        await using var endpoint = await Upstream.StartAsync((context, _) => GiveAsync(context, "t0ken", 300));
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "t0ken");
        using var client = Samples.Client(registry.Address);

        await DownloadAsync(client);

        endpoint.Requests.ShouldHaveSingleItem().Authorization.ShouldBeNull();
    }

    [Fact]
    public async Task Token_ThatCantBeHad_IsNotAskedForByEachWhoWaits()
    {
        var release = new TaskCompletionSource();
        await using var endpoint = await Upstream.StartAsync(async (context, _) =>
        {
            await release.Task;
            await context.AnswerAsync(503);
        });
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "t0ken");
        using var client = Samples.Client(registry.Address);

        var asking = Enumerable.Range(0, 5).Select(_ => client.DownloadAsync(Samples.DigestOf(Blob))).ToList();
        using (var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5)))
        {
            // All have their 401, and a moment to stand in line.
            while (registry.Requests.Count < 5 || endpoint.Requests.IsEmpty)
                await poll.WaitForNextTickAsync();
            for (var i = 0; i < 20; i++)
                await poll.WaitForNextTickAsync();
        }
        release.SetResult();

        foreach (var one in asking)
            (await one).Answer.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        endpoint.Requests.Count.ShouldBeLessThan(5);
    }

    [Fact]
    public async Task Token_ShortlyBeforeItsEnd_IsFetchedAnew()
    {
        var time = new ManualTime();
        await using var endpoint = await Upstream.StartAsync((context, _) => GiveAsync(context, "t0ken", 300));
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "t0ken");
        using var client = new RegistryClient(new RegistryClientOptions { Registry = registry.Address, Time = time });

        await DownloadAsync(client);
        time.Advance(TimeSpan.FromSeconds(269));
        await DownloadAsync(client);
        endpoint.Requests.Count.ShouldBe(1);
        time.Advance(TimeSpan.FromSeconds(2));
        await DownloadAsync(client);
        endpoint.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Token_ThatTheRegistryForgot_IsFetchedAnew()
    {
        await using var endpoint = await Upstream.StartAsync((context, number) => GiveAsync(context, $"t0ken{number}", 300));
        var right = "t0ken1";
        await using var registry = await Upstream.StartAsync((context, _) => context.Request.Headers.Authorization == $"Bearer {right}"
            ? context.SendAsync(Blob) : context.ChallengeAsync($"Bearer realm=\"{endpoint.Address}\""));
        using var client = Samples.Client(registry.Address);

        await DownloadAsync(client);
        right = "t0ken2";
        await DownloadAsync(client);

        endpoint.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Token_WantedByManyAtOnce_IsFetchedOnce()
    {
        var go = new TaskCompletionSource();
        await using var endpoint = await Upstream.StartAsync(async (context, _) =>
        {
            await go.Task;
            await GiveAsync(context, "t0ken", 300);
        });
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "t0ken", number =>
        {
            if (number == 8)
                go.SetResult();
        });
        using var client = Samples.Client(registry.Address);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => DownloadAsync(client)));

        endpoint.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Token_ThatIsRefused_IsDeniedWithoutACircle()
    {
        await using var endpoint = await Upstream.StartAsync((context, number) => GiveAsync(context, $"t{number}", 300));
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "another");
        using var client = Samples.Client(registry.Address);

        (await client.DownloadAsync(Samples.DigestOf(Blob))).Answer.Outcome.ShouldBe(RegistryOutcome.Denied);

        registry.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Realm_OfPlainHttpForAnHttpsRegistry_GetsNothing()
    {
        using var authority = new TestAuthority();
        await using var endpoint = await Upstream.StartAsync((context, _) => GiveAsync(context, "t0ken", 300));
        await using var registry = await Upstream.StartAsync((context, _) => context.ChallengeAsync($"Bearer realm=\"{endpoint.Address}\""), authority.Use);
        using var client = Samples.Client(registry.Address, withUser: true, authority.File);

        var failure = (await client.DownloadAsync(Samples.DigestOf(Blob))).Answer.Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Denied);
        failure.Detail.ShouldContain("plain http");
        endpoint.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Endpoint_ThatRedirectsToAnotherHost_LosesTheCredentials()
    {
        await using var other = await Upstream.StartAsync((context, _) => GiveAsync(context, "t0ken", 300));
        await using var endpoint = await Upstream.StartAsync((context, _) => context.RedirectAsync(other.Address.ToString()));
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "t0ken");
        using var client = Samples.Client(registry.Address, withUser: true);

        await DownloadAsync(client);

        endpoint.Requests.ShouldHaveSingleItem().Authorization.ShouldBe(Samples.Basic);
        other.Requests.ShouldHaveSingleItem().Authorization.ShouldBeNull();
    }

    [Theory]
    [InlineData(404, "", RegistryOutcome.Unusable)]
    [InlineData(401, "", RegistryOutcome.Denied)]
    [InlineData(403, "", RegistryOutcome.Denied)]
    [InlineData(429, "", RegistryOutcome.SlowDown)]
    [InlineData(502, "", RegistryOutcome.Unavailable)]
    [InlineData(200, "", RegistryOutcome.Unusable)]
    [InlineData(200, "[]", RegistryOutcome.Unusable)]
    [InlineData(200, "{\"token\":7}", RegistryOutcome.Unusable)]
    [InlineData(200, "{\"token\":\"line\\r\\nbreak: 1\"}", RegistryOutcome.Unusable)]
    [InlineData(200, "{\"token\":\"\\ud800\"}", RegistryOutcome.Unusable)]
    public async Task Endpoint_ThatGivesNone_NeverMeansAbsent(int status, string body, RegistryOutcome expected)
    {
        await using var endpoint = await Upstream.StartAsync((context, _) => context.AnswerAsync(status, body));
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "t0ken");
        using var client = Samples.Client(registry.Address, withUser: true);

        var failure = (await client.DownloadAsync(Samples.DigestOf(Blob))).Answer.Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(expected);
        failure.Detail.ShouldContain("token");
        failure.Detail.ShouldNotContain(Samples.Password);
    }

    [Theory]
    [InlineData("{\"access_token\":\"t0ken\",\"expires_in\":-5}")]
    [InlineData("{\"token\":\"\",\"access_token\":\"t0ken\",\"expires_in\":1e99}")]
    [InlineData("{\"token\":\"t0ken\",\"expires_in\":9223372036854775807}")]
    [InlineData("{\"token\":\"t0ken\",\"expires_in\":\"soon\"}")]
    public async Task Endpoint_ThatIsOddButUsable_IsUsed(string body)
    {
        await using var endpoint = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, body));
        await using var registry = await WantTokenAsync(endpoint.Address.ToString(), "t0ken");
        using var client = Samples.Client(registry.Address);

        await DownloadAsync(client);
    }

    [Theory]
    [InlineData("Bearer", RegistryOutcome.Unusable)]
    [InlineData("Bearer realm=\"\"", RegistryOutcome.Unusable)]
    [InlineData("Bearer realm=\"file:///etc/passwd\"", RegistryOutcome.Unusable)]
    [InlineData("Bearer realm=\"http://[\"", RegistryOutcome.Unusable)]
    [InlineData("Negotiate", RegistryOutcome.Denied)]
    [InlineData("\"\"\"=,,;@@", RegistryOutcome.Denied)]
    [InlineData("", RegistryOutcome.Denied)]
    public async Task Challenge_ThatIsGarbage_EndsWithASentence(string challenge, RegistryOutcome expected)
    {
        await using var registry = await Upstream.StartAsync((context, _) => context.ChallengeAsync(challenge));
        using var client = Samples.Client(registry.Address, withUser: true);

        var failure = (await client.DownloadAsync(Samples.DigestOf(Blob))).Answer.Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(expected);
        failure.Detail.ShouldContain(registry.Address.Authority);
        registry.Requests.ShouldHaveSingleItem().Authorization.ShouldBeNull();
    }

    [Fact]
    public async Task Realm_ThatIsRelative_IsTheRegistrys()
    {
        await using var registry = await Upstream.StartAsync((context, _) => context.Request.Path == "/token"
            ? GiveAsync(context, "t0ken", 300)
            : context.Request.Headers.Authorization == "Bearer t0ken" ? context.SendAsync(Blob) : context.ChallengeAsync("Bearer realm=\"/token\""));
        using var client = Samples.Client(registry.Address);

        await DownloadAsync(client);
    }

    private static Task<Upstream> WantTokenAsync(string realm, string wanted, Action<int>? seen = null) => Upstream.StartAsync((context, number) =>
    {
        seen?.Invoke(number);
        return context.Request.Headers.Authorization == $"Bearer {wanted}"
            ? context.SendAsync(Blob)
            : context.ChallengeAsync($"Bearer realm=\"{realm}\",service=\"the registry\",scope=\"repository:team/app:pull\"");
    });

    private static Task GiveAsync(HttpContext context, string text, int seconds) =>
        context.Response.WriteAsync(JsonSerializer.Serialize(new Dictionary<string, object> { ["token"] = text, ["expires_in"] = seconds }));

    private static async Task DownloadAsync(RegistryClient client)
    {
        var (answer, received) = await client.DownloadAsync(Samples.DigestOf(Blob), Blob.Length);
        answer.Failure.ShouldBeNull();
        received.ShouldBe(Blob);
    }
}
