using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>Retention as a user runs it, against a real server process.</summary>
public sealed class RetentionCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Retention_PlanOutAndApply_RemoveWhatWasShownAndNothingElse()
    {
        await using var server = await StartAsync("one", "keepTags: [\"keep*\"], maxRemoved: 100%");
        foreach (var tag in (string[])["keep-1", "old-1", "old-2"])
            await PushAsync(server, "team/app", tag);

        var (exitCode, output, errors) = await RunAsync("one", "plan", "--out", "plan.json");
        errors.ShouldNotContain("holdfast retention"); // but maybe its progress
        exitCode.ShouldBe(0);
        output.ShouldContain("main/team/app (retention[0], 3 images)\n  goes   old-1  no pattern of keepTags fits\n");
        output.ShouldContain("  stays  keep-1  tag keep-1 fits keep*\n");
        output.ShouldContain("would remove 2 images in 1 repository, freeing ");
        output.ShouldContain("apply it with `holdfast retention apply --plan plan.json`");

        Directory.CreateDirectory(Path.Combine(folder.Path, "plans"));
        (exitCode, output, errors) = await RunAsync("one", "plan", "--out", "plans");
        (exitCode, output, errors).ShouldBe((2, "", "holdfast retention plan: --out plans: it is a folder; name a file in it\n"));
        (exitCode, _, errors) = await RunAsync("one", "plan", "--out", "nowhere/plan.json");
        exitCode.ShouldBe(2);
        errors.ShouldBe($"holdfast retention plan: --out nowhere/plan.json: there is no folder {Path.Combine(folder.Path, "nowhere")}; make it first\n");

        await PushAsync(server, "team/app", "old-2", seed: 7);
        (exitCode, output, errors) = await RunAsync("one", "apply", "--plan", "plan.json");
        errors.ShouldContain("there is nobody to ask");
        exitCode.ShouldBe(2);
        (exitCode, output, errors) = await RunAsync("one", "apply", "--plan", "plan.json", "--yes");
        errors.ShouldNotContain("holdfast retention"); // but maybe its progress
        exitCode.ShouldBe(0);
        output.ShouldContain("  removed  old-1\n  stays    old-2  ");
        output.ShouldContain("removed 1 image; undo it with `holdfast trash restore --run ");
        (await server.Client.GetStringAsync("/v2/team/app/tags/list")).ShouldContain("[\"keep-1\",\"old-2\"]");

        (exitCode, output, _) = await RunAsync("one", "apply", "--yes", "--json");
        exitCode.ShouldBe(0);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("removed").GetInt32().ShouldBe(1);
        (_, output, _) = await RunAsync("one", "status");
        output.ShouldContain("retention[0]  main: **  (1 repository); runs by command only\n  last run ");
    }

    [Fact]
    public async Task Retention_ApplyThatAGuardStops_EndsWithFindings()
    {
        await using var server = await StartAsync("two", "keepTags: [\"keep*\"], inUse: [users]");
        await PushAsync(server, "app", "old");
        var (exitCode, output, _) = await RunAsync("two", "apply", "--yes");
        output.ShouldContain("retention[0] STOPPED: line 2 of ");
        exitCode.ShouldBe(1);
        await using var other = await StartAsync("three", "keepTags: [\"keep*\"]");
        await PushAsync(other, "app", "old");
        (exitCode, output, _) = await RunAsync("three", "apply", "--yes");
        output.ShouldContain("  STOPPED: would remove all 1 images, which needs maxRemoved: 100%");
        exitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("{}", "missing")]
    [InlineData("[1]", "holds no plan")]
    [InlineData("not json", "can't be read as a plan")]
    [InlineData(null, "no file")]
    public async Task Retention_ApplyOfWhatIsNoPlan_SaysSo(string? text, string says)
    {
        await using var server = await StartAsync("four", "keepTags: [\"keep*\"]");
        if (text is not null)
            folder.Write("bad.json", text);
        else
            File.Delete(Path.Combine(folder.Path, "bad.json"));
        var (exitCode, output, errors) = await RunAsync("four", "apply", "--plan", "bad.json", "--yes");
        errors.ShouldStartWith("holdfast retention apply: ");
        errors.ShouldContain(says);
        output.ShouldBeEmpty();
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Retention_NoRules_SaysThatEverythingStays()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "five", "--listen", "http://127.0.0.1:0"]);
        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["retention", "plan", "--data", "five"]);
        errors.ShouldContain("has no retention rules, so everything stays");
        exitCode.ShouldBe(2);
    }

    private Task<RunningServer> StartAsync(string data, string rule)
    {
        folder.Write($"{data}.yaml", $"data: {data}\nregistries: {{ main: {{}} }}\nlisteners: [ {{ url: http://127.0.0.1:0 }} ]\nretention: [ {{ registries: [main], repositories: [\"**\"], {rule} }} ]\n");
        return RunningServer.StartAsync(folder.Path, ["--config", $"{data}.yaml"]);
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string data, params string[] arguments) =>
        HoldfastProcess.RunAsync(folder.Path, ["retention", .. arguments, "--data", data]);

    private static async Task PushAsync(RunningServer server, string repository, string tag, int seed = 0)
    {
        var config = Encoding.UTF8.GetBytes($"{{\"config\":\"{tag} {seed}\"}}");
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(config));
        using var blob = await server.Client.PostAsync($"/v2/{repository}/blobs/uploads/?digest={digest}", new ByteArrayContent(config));
        blob.StatusCode.ShouldBe(HttpStatusCode.Created);
        var manifest = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],
             "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{digest}}","size":{{config.Length}} } }
            """;
        using var content = new StringContent(manifest, MediaTypeHeaderValue.Parse("application/vnd.oci.image.manifest.v1+json"));
        using var put = await server.Client.PutAsync($"/v2/{repository}/manifests/{tag}", content);
        put.StatusCode.ShouldBe(HttpStatusCode.Created, await put.Content.ReadAsStringAsync());
    }
}
