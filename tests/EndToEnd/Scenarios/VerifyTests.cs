using System.Text.Json.Nodes;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The real `holdfast verify` against the real docker-registry, with the damage that its users had.</summary>
public sealed class VerifyTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Verify_OfARegistryThatIsWhole_Exits0()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        for (var i = 0; i < 3; i++)
            await registry.PushAsync(RandomImage.Index(lab, i * 10), $"team/app{i}", "v1", Token);

        var (exitCode, json) = await VerifyAsync(registry.Endpoint.Host);

        exitCode.ShouldBe(0, json.ToJsonString());
        ((int)json["checked"]!["indexes"]!).ShouldBe(3);
        ((int)json["checked"]!["manifests"]!).ShouldBe(9);
    }

    [Fact]
    public async Task Verify_AfterACollectionOfUntagged_NamesEveryChildBeforeAndAfterARestart()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        await registry.PushAsync(RandomImage.Index(lab, 0), "team/app", "v1", Token);
        await registry.CollectAsync(Token, "-m");

        foreach (var restart in new[] { false, true })
        {
            if (restart)
                await registry.RestartAsync(Token);
            var (exitCode, json) = await VerifyAsync($"{registry.Endpoint.Host}/team/app");
            exitCode.ShouldBe(1, json.ToJsonString());
            Findings(json, "role").ShouldBe(["child", "child", "child"]);
            Findings(json, "kind").ShouldBe(["missing", "missing", "missing"]);
            Findings(json, "platform").ShouldBe(["attestation", "linux/amd64", "linux/arm64"], ignoreOrder: true);
        }
    }

    [Fact]
    public async Task Verify_OfBlobsThatWereSweptBeforeTheManifestCame_IsNotFooledAsHeadIs()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        var layout = RandomImage.Index(lab, 0);
        await registry.PushBlobsAsync(layout, "team/app", Token);
        await registry.CollectAsync(Token);
        await registry.PushManifestsAsync(layout, "team/app", "v1", Token);

        var (fast, _) = await VerifyAsync($"{registry.Endpoint.Host}/team/app:v1", "--fast");
        var (exitCode, json) = await VerifyAsync($"{registry.Endpoint.Host}/team/app:v1");

        fast.ShouldBe(0, "HEAD is answered from what the registry remembers");
        exitCode.ShouldBe(1);
        Findings(json, "kind").ShouldAllBe(kind => kind == "unreadable");
        Findings(json, "role").Order(StringComparer.Ordinal).ShouldBe(["config", "config", "config", "layer", "layer", "layer"]);
    }

    [Theory]
    [InlineData("delete-child", "missing", "child")]
    [InlineData("delete-layer", "missing", "layer")]
    [InlineData("flip-layer", "wrong-bytes", "layer")]
    [InlineData("empty-layer", "wrong-size,unreadable", "layer")]
    [InlineData("cut-layer", "wrong-size,unreadable", "layer")]
    [InlineData("remove-layer-data", "missing,unreadable", "layer")]
    [InlineData("flip-child", "wrong-bytes,unchecked,unusable,missing", "child")]
    [InlineData("remove-tag-revision", "missing", "root")]
    public async Task Verify_AfterOneDamage_FindsItAndNothingElse(string damage, string kinds, string role)
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        var layout = RandomImage.Index(lab, 0);
        await registry.PushAsync(layout, "team/app", "v1", Token);
        await registry.PushAsync(RandomImage.Index(lab, 10), "team/other", "v1", Token);
        await DamageAsync(registry, layout, damage);

        var (exitCode, json) = await VerifyAsync(registry.Endpoint.Host);

        exitCode.ShouldBe(1);
        var finding = json["findings"]!.AsArray().ShouldHaveSingleItem()!;
        kinds.Split(',').ShouldContain((string)finding["kind"]!, finding.ToJsonString());
        ((string)finding["role"]!).ShouldBe(role);
        ((string)finding["repository"]!).ShouldBe("team/app");
        ((string)finding["reference"]!).ShouldBe("v1");
        if (role != "root")
            ((string?)finding["platform"]).ShouldBe("linux/amd64");
    }

    private static async Task DamageAsync(DebianRegistry registry, OciLayout layout, string damage)
    {
        var top = layout.Top().Digest;
        var child = (string)layout.Read(top)["manifests"]![0]!["digest"]!;
        var layer = (string)layout.Read(child)["layers"]![0]!["digest"]!;
        switch (damage)
        {
            case "delete-child":
                await registry.DeleteAsync($"v2/team/app/manifests/{child}", Token);
                break;
            case "delete-layer":
                await registry.DeleteAsync($"v2/team/app/blobs/{layer}", Token);
                break;
            case "flip-layer" or "flip-child":
                var file = registry.DataOf(damage == "flip-child" ? child : layer);
                var bytes = await File.ReadAllBytesAsync(file, Token);
                bytes[bytes.Length / 2] ^= 1;
                await File.WriteAllBytesAsync(file, bytes, Token);
                break;
            case "empty-layer":
                await File.WriteAllBytesAsync(registry.DataOf(layer), [], Token);
                break;
            case "cut-layer":
                await File.WriteAllBytesAsync(registry.DataOf(layer), (await File.ReadAllBytesAsync(registry.DataOf(layer), Token))[..10_000], Token);
                break;
            case "remove-layer-data":
                File.Delete(registry.DataOf(layer));
                break;
            default:
                Directory.Delete(Path.Combine(registry.Root, "repositories", "team", "app", "_manifests", "revisions", "sha256", top[7..]), recursive: true);
                break;
        }
        await registry.RestartAsync(Token);
    }

    private static IReadOnlyList<string> Findings(JsonNode json, string member) => [.. json["findings"]!.AsArray().Select(finding => (string)finding![member]!)];

    private static async Task<(int ExitCode, JsonNode Json)> VerifyAsync(params string[] arguments)
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        var result = await new ToolCall(HoldfastProcess.Executable, ["verify", "--json", .. arguments]).RunAsync(Token);
        return (result.ExitCode, JsonNode.Parse(result.Output) ?? throw new InvalidOperationException(result.ToString()));
    }
}
