using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Server.Tests.Protocol;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

/// <summary>Retention in a real server: its places, immutable tags, pulls that are noted.</summary>
public sealed class RetentionServerTests : IAsyncLifetime
{
    private readonly RegistryFixture _server = new();

    public RetentionServerTests() => _server.Options = _server.Options with
    {
        Retention =
        [
            new RetentionOptions { Registries = ["test"], Repositories = ["fixed/**"], ImmutableTags = ["v*"] },
            new RetentionOptions { Registries = ["*"], Repositories = ["**"], KeepTags = ["keep*"], MaxRemovedPercent = 50 },
        ],
    };

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Put_ImmutableTagOnAnotherManifest_Gets409AndStoresNothing()
    {
        var first = await _server.PushImageAsync("fixed/app", "v1", 1);
        var (config, layer) = (Samples.Bytes(2, 50), Samples.Bytes(3, 500));
        await _server.PushBlobAsync("fixed/app", config);
        await _server.PushBlobAsync("fixed/app", layer);
        var other = Samples.Image(config, layer);
        var before = _server.StoredFiles();
        foreach (var path in (string[])["v1", "free?tag=v1", "v2?tag=v1&tag=free"])
        {
            using var refused = await _server.PutManifestAsync("fixed/app", path, other);
            refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            var (code, detail) = await refused.ErrorAsync();
            code.ShouldBe("DENIED");
            detail.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()).ShouldBe(["v1"]);
        }
        _server.StoredFiles().ShouldBe(before);
        (await TagsAsync("fixed/app")).ShouldBe(["v1"]);
        await _server.PushManifestAsync("fixed/app", "v1", first);
        await _server.PushManifestAsync("fixed/app", "latest", first);
        await _server.PushManifestAsync("fixed/app", "latest", other);
        (await _server.DeleteAsync("/v2/fixed/app/manifests/v1")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await _server.PushManifestAsync("fixed/app", "v1", other);
        using (var force = new StringContent("{\"repository\":\"fixed/app\",\"tag\":\"v1\",\"force\":true}", Encoding.UTF8, "application/json"))
        using (var restored = await _server.Admin.PostAsync("/api/v1/trash/restore", force))
            (await restored.Content.ReadAsStringAsync()).ShouldContain("\"outcome\":\"tag-moved\"");
        await _server.PushImageAsync("free/app", "v1", 1);
        await _server.PushImageAsync("free/app", "v1", 5);
    }

    [Fact]
    public async Task Put_ManyPushersOfOneImmutableTag_OnlyOneWins()
    {
        for (var round = 0; round < 10; round++)
        {
            var images = new List<byte[]>();
            for (var i = 0; i < 8; i++)
                images.Add(await _server.PushImageAsync("fixed/race", null, (round * 10) + i));
            var answers = await Task.WhenAll(images.Select(image => _server.PutManifestAsync("fixed/race", $"v{round}", image)));
            answers.Count(answer => answer.StatusCode == HttpStatusCode.Created).ShouldBe(1);
            answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict).ShouldBe(7);
            var winner = images[Array.FindIndex(answers, answer => answer.StatusCode == HttpStatusCode.Created)];
            using var now = await _server.GetAsync($"/v2/fixed/race/manifests/v{round}");
            (await now.Content.ReadAsByteArrayAsync()).ShouldBe(winner);
        }
    }

    [Fact]
    public async Task Get_Manifest_IsNotedAsAPullAtTheLatestAtTheStop_AndHeadIsNot()
    {
        await _server.PushImageAsync("app", "asked", 1);
        await _server.PushImageAsync("app", "pulled", 2);
        (await _server.HeadAsync("/v2/app/manifests/asked")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _server.GetAsync("/v2/app/manifests/pulled")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await _server.RestartAsync();
        (await _server.CountAsync("SELECT COUNT(*) FROM manifests WHERE pulled_at > 0")).ShouldBe(1);
        (await _server.CountAsync("SELECT COUNT(*) FROM manifests m JOIN tags t ON t.manifest_id = m.id WHERE m.pulled_at > 0 AND t.name = 'pulled'")).ShouldBe(1);
    }

    [Fact]
    public async Task Apply_PulledAMomentAgo_Stays()
    {
        _server.Options = _server.Options with
        {
            Retention = [new RetentionOptions { Registries = ["*"], Repositories = ["**"], KeepPulledWithin = TimeSpan.FromDays(90), MaxRemovedPercent = 100 }],
        };
        await _server.RestartAsync();
        await _server.PushImageAsync("app", "unused", 1);
        await _server.PushImageAsync("app", "used", 2);
        (await _server.GetAsync("/v2/app/manifests/used")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using (var applied = await _server.Admin.PostAsync("/api/v1/retention/apply", null))
            (await applied.Content.ReadAsStringAsync()).ShouldContain("\"result\"");
        (await TagsAsync("app")).ShouldBe(["used"]);
    }

    [Fact]
    public async Task Apply_SavedPlanOverTheSocket_RemovesAndTells()
    {
        await _server.PushImageAsync("app", "keep", 1);
        await _server.PushImageAsync("app", "go", 2);
        var plan = await PostAsync("plan", "{\"registry\":\"test\",\"repository\":\"ap*\"}");
        plan.GetProperty("repositories")[0].GetProperty("removed")[0].GetProperty("tags")[0].GetProperty("name").GetString().ShouldBe("go");
        plan.GetProperty("repositories")[0].GetProperty("kept")[0].GetProperty("reasons")[0].GetProperty("kind").GetString().ShouldBe("keep-tag");
        (await TagsAsync("app")).ShouldBe(["go", "keep"]);
        var result = await PostAsync("apply", $"{{\"plan\":{plan.GetRawText()}}}");
        result.GetProperty("removed").GetInt32().ShouldBe(1);
        (await TagsAsync("app")).ShouldBe(["keep"]);
        (await _server.CountAsync("SELECT COUNT(*) FROM trash WHERE cause = 2")).ShouldBe(2);
        await PostAsync("apply", "{}");
        using var status = await _server.Admin.GetAsync("/api/v1/retention");
        var rules = (await status.JsonAsync()).GetProperty("rules");
        rules[1].GetProperty("lastRun").GetProperty("removed").GetInt32().ShouldBe(0);
        rules[0].GetProperty("fitting").GetInt32().ShouldBe(0);
        var metrics = await _server.Http.GetStringAsync("/metrics");
        metrics.ShouldContain("# TYPE holdfast_retention_last_run_timestamp_seconds gauge");
        metrics.ShouldContain("holdfast_retention_runs_total{outcome=\"done\"}");
        metrics.ShouldContain("holdfast_retention_removed_total ");
    }

    [Theory]
    [InlineData("plan", "{\"registry\":\"nope\"}", HttpStatusCode.NotFound, "known are test")]
    [InlineData("plan", "{\"repository\":\"A\"}", HttpStatusCode.BadRequest, "repository: ")]
    [InlineData("plan", "{\"repo\":\"a\"}", HttpStatusCode.BadRequest, "unknown member 'repo'")]
    [InlineData("apply", "{\"plan\":{}}", HttpStatusCode.BadRequest, "plan")]
    [InlineData("apply", "{\"plan\":PLAN,\"registry\":\"test\"}", HttpStatusCode.BadRequest, "not both")]
    [InlineData("apply", "{\"plan\":{\"format\":1,\"id\":\"a\",\"store\":\"x\",\"createdAt\":\"2026-01-01T00:00:00Z\",\"repositories\":[],\"problems\":[],\"warnings\":[]}}", HttpStatusCode.Conflict, "another store")]
    [InlineData("apply", "{\"plan\":{\"format\":1,\"id\":\"a\",\"store\":\"x\",\"createdAt\":\"2026-01-01T00:00:00Z\",\"repositories\":[null],\"problems\":[],\"warnings\":[]}}", HttpStatusCode.Conflict, "not as it was made")]
    [InlineData("apply", "{\"plan\":{\"format\":1,\"id\":\"a\",\"store\":\"x\",\"createdAt\":\"2026-01-01T00:00:00Z\",\"repositories\":[],\"problems\":[],\"warnings\":[],\"extra\":1}}", HttpStatusCode.BadRequest, "unknown member plan.extra")]
    public async Task Post_BadInput_IsRefusedInWords(string place, string body, HttpStatusCode status, string says)
    {
        body = body.Replace("PLAN", "{\"format\":1,\"id\":\"a\",\"store\":\"x\",\"createdAt\":\"2026-01-01T00:00:00Z\",\"repositories\":[],\"problems\":[],\"warnings\":[]}", StringComparison.Ordinal);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _server.Admin.PostAsync($"/api/v1/retention/{place}", content);
        (await answer.Content.ReadAsStringAsync()).ShouldContain(says);
        answer.StatusCode.ShouldBe(status);
    }

    private async Task<JsonElement> PostAsync(string place, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _server.Admin.PostAsync($"/api/v1/retention/{place}", content);
        var lines = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return JsonDocument.Parse(lines[^1]).RootElement.TryGetProperty("result", out var result) ? result : throw new InvalidOperationException(lines[^1]);
    }

    private async Task<string[]> TagsAsync(string repository)
    {
        using var answer = await _server.GetAsync($"/v2/{repository}/tags/list");
        return [.. (await answer.JsonAsync()).GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!)];
    }
}
