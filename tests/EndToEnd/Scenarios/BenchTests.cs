using System.Text.Json.Nodes;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The real `holdfast bench` against docker-registry and Holdfast, over TLS and with tokens; its figures mean nothing at these sizes.</summary>
public sealed class BenchTests(Lab lab)
{
    private static readonly string[] Tiny = ["--requests", "20", "--connections", "4", "--entries", "120", "--verify"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bench_OfDockerRegistryAndHoldfast_MeasuresBothAndSaysWhatOneLacks()
    {
        await using var old = await DebianRegistry.StartAsync(lab, Token);
        await using var holdfast = await HoldfastProcess.StartAsync(lab, new HoldfastSettings(), Token);

        var (exitCode, json, errors) = await BenchAsync(null, $"old={old.Endpoint.Host}", $"new={holdfast.For(Mode.Plain).Host}", "--rounds", "2", "--workload", "all", "--size", "1KiB,1MB", "--part", "1KiB", "--repositories", "3");

        // docker-registry 2.8 has no list of referrers.
        exitCode.ShouldBe(2, errors);
        json["notMeasured"]!.AsArray().Select(one => $"{one!["server"]} {one["dataSet"]!["workload"]}").ShouldBe(["old referrers"]);
        foreach (var measured in json["measurements"]!.AsArray())
        {
            var workload = (string)measured!["dataSet"]!["workload"]!;
            var results = measured["results"]!.AsArray();
            results.Select(one => (string)one!["server"]!).ShouldBe(workload == "referrers" ? ["new"] : ["old", "new"]);
            foreach (var round in results.SelectMany(one => one!["rounds"]!.AsArray()))
            {
                round!["errors"]!.AsObject().Count.ShouldBe(0, $"{workload}: {round.ToJsonString()}");
                ((int)round["completed"]!).ShouldBe(20, workload);
            }
        }
    }

    [Theory]
    [InlineData(Mode.Tls)]
    [InlineData(Mode.Basic)]
    [InlineData(Mode.Bearer)]
    public async Task Bench_OverTlsAndWithUsers_FailsNoRequest(Mode mode)
    {
        await using var holdfast = await HoldfastProcess.StartAsync(lab, new HoldfastSettings(), Token);
        var endpoint = holdfast.For(mode);
        string[] asking = [.. endpoint.Authority is { } authority ? new[] { "--ca", authority } : [], .. endpoint.Credentials is { } user ? new[] { "--user", user.User, "--password-stdin" } : []];

        var (exitCode, json, errors) = await BenchAsync(endpoint.Credentials?.Password, [endpoint.Host, "--workload", "push,pull,mixed,range,delete,catalog", "--size", "200KB", "--clean", .. asking]);

        exitCode.ShouldBe(0, errors);
        json["measurements"]!.AsArray().Count.ShouldBe(6);
        ((bool)json["servers"]![0]!["tls"]!).ShouldBe(endpoint.IsTls);
        errors.ShouldContain("deleted");
    }

    [Fact]
    public async Task Bench_OfWrongCredentialsOrAuthority_Exits2()
    {
        await using var holdfast = await HoldfastProcess.StartAsync(lab, new HoldfastSettings(), Token);

        (await BenchAsync("wrong", holdfast.For(Mode.Basic).Host, "--user", holdfast.For(Mode.Basic).Credentials!.User, "--password-stdin")).ExitCode.ShouldBe(2);
        var (exitCode, _, errors) = await BenchAsync(null, $"https://{holdfast.For(Mode.Tls).Host}");
        exitCode.ShouldBe(2);
        errors.ShouldContain("--ca FILE");
    }

    [Fact]
    public async Task Bench_OfCachesOfTheSameUpstream_PullsEachImageThroughBoth()
    {
        await using var upstream = await DebianRegistry.StartAsync(lab, Token);
        await using var caches = await CacheServer.StartAsync(lab, Token, new CacheKeys("one", "one.example", upstream.Endpoint.Url), new CacheKeys("two", "two.example", upstream.Endpoint.Url));

        var (exitCode, json, errors) = await BenchAsync(
            null, $"one={caches.For("one").Host}", $"two={caches.For("two").Host}", "--workload", "cold-cache", "--upstream", upstream.Endpoint.Host, "--size", "100KB");

        exitCode.ShouldBe(0, errors);
        json["measurements"]![0]!["results"]!.AsArray().Count.ShouldBe(2);
        json["leftBehind"]!.AsArray().Select(one => (string)one!["server"]!).ShouldBe(["the upstream"]);
    }

    private static async Task<(int ExitCode, JsonNode Json, string Errors)> BenchAsync(string? password, params string[] arguments)
    {
        var call = new ToolCall(HoldfastProcess.Executable, ["bench", .. arguments, "--json", .. Tiny])
        {
            Environment = new Dictionary<string, string> { ["HOME"] = "/nonexistent" },
            Input = password ?? "",
        };
        var result = await call.RunAsync(Token);
        return (result.ExitCode, result.Output.Length > 0 ? JsonNode.Parse(result.Output)! : new JsonObject(), result.Error);
    }
}
