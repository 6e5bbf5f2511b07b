using System.Text.Json;
using System.Xml.Linq;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary><c>holdfast bench</c> against a real server, at sizes at which its figures mean nothing.</summary>
public sealed class BenchCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private static readonly string[] Tiny = ["--size", "20KB", "--requests", "12", "--connections", "3", "--entries", "130", "--part", "1KB"];

    [Fact]
    public async Task Bench_OfEveryWorkload_Exits0WithFiguresForEach()
    {
        await using var server = await StartAsync("all");

        var (exitCode, output, errors) = await BenchAsync([HostOf(server), "--workload", "all", "--json", "--verify", "--pid", server.Id.ToString(), .. Tiny]);

        exitCode.ShouldBe(0, errors);
        using var json = JsonDocument.Parse(output);
        var measured = json.RootElement.GetProperty("measurements").EnumerateArray().ToList();
        measured.Select(one => one.GetProperty("dataSet").GetProperty("workload").GetString()).ShouldBe(
            ["push", "pull", "mixed", "manifest-by-tag", "manifest-by-digest", "head", "blob", "range", "tags", "catalog", "referrers", "delete"]);
        foreach (var round in measured.Select(one => one.GetProperty("results")[0].GetProperty("rounds")[0]))
        {
            round.GetProperty("completed").GetInt64().ShouldBe(12);
            round.GetProperty("latencyMilliseconds").GetProperty("p50").GetDouble().ShouldBeGreaterThan(0);
            round.GetProperty("serverPeakBytes").GetInt64().ShouldBeGreaterThan(1 << 20);
        }
        BytesOf(measured, "pull").ShouldBeGreaterThan(12 * 20_000);
        BytesOf(measured, "range").ShouldBe(12 * 1000, tolerance: 1);
        measured[2].GetProperty("results")[0].GetProperty("rounds")[0].GetProperty("parts").GetProperty("push").GetProperty("completed").GetInt64().ShouldBe(3);
        errors.ShouldContain("are left in bench/");
    }

    [Fact]
    public async Task Bench_WithClean_LeavesNoManifest()
    {
        await using var server = await StartAsync("clean");

        var (exitCode, output, errors) = await BenchAsync([HostOf(server), "--workload", "push,pull,tags,referrers,delete", "--clean", "--repositories", "2", "--seed", "5", .. Tiny]);

        exitCode.ShouldBe(0, errors);
        output.ShouldContain("### push, 20 kB, 2 repositories, 3 connections");
        errors.ShouldContain("deleted");
        errors.ShouldNotContain("left in");
        using (var subject = await server.Client.GetAsync("/v2/bench/5/referrers/manifests/subject"))
            subject.StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
        foreach (var repository in new[] { "bench/5/r00000", "bench/5/r00001", "bench/5/tags" })
        {
            using var answer = await server.Client.GetAsync($"/v2/{repository}/tags/list");
            var tags = answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync() : "\"tags\":[]";
            tags.ShouldContain("\"tags\":[]");
        }
    }

    [Fact]
    public async Task Bench_OfTwoServers_MeasuresThemInTurnAndDrawsThem()
    {
        await using var one = await StartAsync("one");
        await using var other = await StartAsync("other");
        var (svg, table) = (Path.Combine(folder.Path, "chart.svg"), Path.Combine(folder.Path, "table.md"));

        var (exitCode, output, errors) = await BenchAsync([$"one={HostOf(one)}", $"other=http://{HostOf(other)}", "--workload", "push,head", "--rounds", "2", "--svg", svg, "--markdown", table, .. Tiny]);

        exitCode.ShouldBe(0, errors);
        output.ShouldContain("× one");
        File.ReadAllText(table).ShouldBe(output);
        XDocument.Load(svg).Descendants().Count(node => node.Attribute("class")?.Value is "bar" or "first").ShouldBe(4);
    }

    [Fact]
    public async Task Bench_WithTheSameSeedAgain_RefusesToPushWhatIsThere()
    {
        await using var server = await StartAsync("again");
        string[] call = [HostOf(server), "--workload", "push,pull", "--seed", "7", .. Tiny];
        (await BenchAsync(call)).ExitCode.ShouldBe(0);

        var (exitCode, output, errors) = await BenchAsync(call);

        exitCode.ShouldBe(2);
        errors.ShouldContain("has the data of --seed 7 already");
        output.ShouldContain("### pull");
        output.ShouldNotContain("### push");
    }

    [Fact]
    public async Task Bench_OfATimetable_KeepsIt()
    {
        await using var server = await StartAsync("open");

        var (exitCode, output, errors) = await BenchAsync(HostOf(server), "--workload", "manifest-by-tag", "--rate", "100", "--requests", "50", "--json");

        exitCode.ShouldBe(0, errors);
        using var json = JsonDocument.Parse(output);
        var round = json.RootElement.GetProperty("measurements")[0].GetProperty("results")[0].GetProperty("rounds")[0];
        round.GetProperty("completed").GetInt64().ShouldBe(50);
        round.GetProperty("seconds").GetDouble().ShouldBeGreaterThanOrEqualTo(0.5);
    }

    [Fact]
    public async Task Compare_OfTheSameAndOfDifferentDataSets_ShowsAndRefuses()
    {
        await using var server = await StartAsync("compare");
        foreach (var (file, connections) in new[] { ("a.json", "3"), ("b.json", "3"), ("c.json", "4") })
        {
            var (_, json, _) = await BenchAsync(HostOf(server), "--workload", "head", "--requests", "20", "--connections", connections, "--json");
            folder.Write(file, json);
        }

        var (exitCode, output, _) = await BenchAsync("compare", "a.json", "b.json");
        exitCode.ShouldBe(0);
        output.ShouldContain($"{HostOf(server)} (b.json)");

        (exitCode, output, var errors) = await BenchAsync("compare", "a.json", "c.json");
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.ShouldContain("head: connections is 3 in a.json and 4 in c.json");

        (await BenchAsync("compare", "a.json", "--svg", "one.svg", "--markdown", "./one.svg")).Errors.ShouldContain("--markdown and --svg name one file");

        folder.Write("d.json", "<html>");
        (await BenchAsync("compare", "a.json", "d.json")).Errors.ShouldContain("d.json is no report");
        folder.Write("e.json", "");
        (await BenchAsync("compare", "a.json", "e.json")).Errors.ShouldContain("it is empty");
        (await BenchAsync("compare", "a.json", "absent.json")).ExitCode.ShouldBe(2);
        (await BenchAsync("compare", "")).Errors.ShouldContain("name is empty");
        (await BenchAsync("compare", "a.json", "b.json", "--markdown", "./b.json")).Errors.ShouldContain("b.json is a report to be read");
        (await BenchAsync("compare", "a.json", "--svg", "")).Errors.ShouldContain("--svg: its file has no name");
        (await BenchAsync("compare", "a.json", "./a.json")).Errors.ShouldContain("./a.json is named twice");
    }

    [Theory]
    [InlineData("", "no registry is named")]
    [InlineData("127.0.0.1:1", "refused")]
    [InlineData("127.0.0.1:1/app", "names a repository")]
    [InlineData("127.0.0.1:1 --connections 0", "1 to 500")]
    [InlineData("127.0.0.1:1 --connections 501", "1 to 500")]
    [InlineData("127.0.0.1:1 --connections many", "not a whole number")]
    [InlineData("127.0.0.1:1 --size 0", "16 bytes")]
    [InlineData("127.0.0.1:1 --size 1TiB", "100GiB")]
    [InlineData("127.0.0.1:1 --size large", "--size")]
    [InlineData("127.0.0.1:1 --workload pul", "did you mean pull?")]
    [InlineData("127.0.0.1:1 --workload everything", "known are push")]
    [InlineData("127.0.0.1:1 --workload ,", "there is no ''")]
    [InlineData("127.0.0.1:1 --workload push,all", "all stands alone")]
    [InlineData("127.0.0.1:1 --rate 0", "more than 0")]
    [InlineData("127.0.0.1:1 --rate -5", "more than 0")]
    [InlineData("127.0.0.1:1 --duration 0s", "--duration")]
    [InlineData("127.0.0.1:1 --requests 0", "--requests 0")]
    [InlineData("127.0.0.1:1 --pid 999999999", "no process")]
    [InlineData("a=127.0.0.1:1 b=127.0.0.1:2 --pid 1", "NAME=PID")]
    [InlineData("127.0.0.1:1 --pid 1", "its own CPU time")]
    [InlineData("127.0.0.1:1 --conections 4", "did you mean --connections?")]
    [InlineData("ftp://127.0.0.1:1", "'ftp://127.0.0.1:1': registries are asked by http:// or https://")]
    [InlineData("ftp://ci:s3cret@127.0.0.1:1", "'ftp://***@127.0.0.1:1'")]
    [InlineData("http://[127", "is no registry's address; write HOST:PORT")]
    [InlineData("a|b=127.0.0.1:1", "can't be a server's name")]
    [InlineData("team", "is no registry's address; write HOST:PORT")]
    [InlineData("127.0.0.1:1/Team/:x", "is no registry's address; write HOST:PORT")]
    [InlineData("ci:s3cret@127.0.0.1:1", "a user is given by --user")]
    [InlineData("http://ci:s3cret/s3cret@127.0.0.1:1", "'http://***@127.0.0.1:1'")]
    [InlineData("ci:5/s3cret@127.0.0.1:5000", "'***@127.0.0.1:5000'")]
    [InlineData("127.0.0.1:1 --rate 0.5 --duration 1s", "not one request is due within --duration 1s")]
    [InlineData("127.0.0.1:1 --requests 10 --duration 5s", "the one or the other")]
    [InlineData("127.0.0.1:1 --requests 10 --warmup 5s", "the one or the other")]
    [InlineData("127.0.0.1:1 compare a.json", "reports and no registries")]
    [InlineData("a=127.0.0.1:1 a=127.0.0.1:2", "two servers are called 'a'")]
    [InlineData("127.0.0.1:1 127.0.0.1:2 --user ci --password-file users", "each would get the password")]
    [InlineData("127.0.0.1:1 --workload cold-cache", "needs --upstream")]
    [InlineData("127.0.0.1:1 --upstream 127.0.0.1:2", "goes with --workload cold-cache")]
    [InlineData("127.0.0.1:1 --workload get", "needs --path")]
    [InlineData("127.0.0.1:1 --workload get,push --path /x", "give it alone")]
    [InlineData("127.0.0.1:1 --workload range --size 1KiB", "smaller")]
    [InlineData("127.0.0.1:1 --repositories 10000 --images 10000", "held in memory")]
    [InlineData("127.0.0.1:1 --svg absent/chart.svg", "there is no folder")]
    [InlineData("127.0.0.1:1 --seed none", "--seed")]
    [InlineData("127.0.0.1:1 --upload post", "patch or put")]
    public async Task Bench_ThatCannotBegin_Exits2WithTheWayOut(string arguments, string said)
    {
        folder.Write("users", "x\n");
        var (exitCode, output, errors) = await BenchAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        errors.ShouldContain(said);
        errors.ShouldNotContain("s3cret");
        output.ShouldBeEmpty();
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Bench_WithUsers_PushesWithThePasswordOrATokenAndSaysWhatIsMissing()
    {
        folder.Write("users", "alice:$2b$04$YgTex4O2w0KsC.Wog3GL.eRFJYGRONy7BdeM18M9pnRS4qUmTHndK\n");
        folder.Write("users.yaml", """
            data: data-users
            listeners:
              - { url: "http://127.0.0.1:0", registry: basic }
              - { url: "http://127.0.0.1:0", registry: tokens }
            registries:
              basic: { auth: { htpasswd: users, anonymous: [] } }
              tokens: { auth: { htpasswd: users, anonymous: [pull], token: {} } }
            """);
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "users.yaml"], listeners: 2);
        var schemes = new List<string?>();
        foreach (var host in server.Addresses.Select(static address => address.Authority))
        {
            string[] call = ["bench", host, "--workload", "push,pull,catalog,delete", "--repositories", "2", "--json", .. Tiny];

            var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, call, ("HOME", folder.Path));
            exitCode.ShouldBe(2);
            errors.ShouldContain("give --user NAME");

            (exitCode, var output, errors) = await HoldfastProcess.RunWithInputAsync(folder.Path, "s3cret:word\n", [.. call, "--user", "alice", "--password-stdin"]);
            exitCode.ShouldBe(0, errors);
            using var json = JsonDocument.Parse(output);
            schemes.Add(json.RootElement.GetProperty("servers")[0].GetProperty("authorization").GetString());
            output.ShouldNotContain("s3cret");
        }
        schemes.ShouldBe(["Basic", "Bearer"], ignoreOrder: true);
    }

    [Fact]
    public async Task Bench_OfACache_IsRefusedForPushesAndPullsThroughItOnce()
    {
        await using var upstream = await StartAsync("upstream");
        folder.Write("cache.yaml", $$"""
            data: data-cache
            listeners: [ { url: "http://127.0.0.1:0", registry: c } ]
            registries: { c: { kind: cache, auth: none, upstream: { url: "http://{{HostOf(upstream)}}", namespace: up.example } } }
            """);
        await using var cache = await RunningServer.StartAsync(folder.Path, ["--config", "cache.yaml"]);

        var (exitCode, output, errors) = await BenchAsync([HostOf(cache), "--workload", "push", .. Tiny]);
        exitCode.ShouldBe(2);
        errors.ShouldContain("cold-cache with --upstream");
        output.ShouldBeEmpty();

        (exitCode, output, errors) = await BenchAsync([HostOf(cache), "--workload", "cold-cache", "--upstream", HostOf(upstream), "--verify", "--rounds", "2", "--json", .. Tiny]);
        exitCode.ShouldBe(0, errors);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("measurements")[0].GetProperty("results")[0].GetProperty("rounds")[1].GetProperty("completed").GetInt64().ShouldBe(12);
        json.RootElement.GetProperty("leftBehind")[0].GetProperty("manifests").GetInt64().ShouldBe(24);
    }

    [Theory]
    [InlineData("page", "a page of HTML")]
    [InlineData("busy", "429")]
    [InlineData("sends away", "no token from 127.0.0.1:1")]
    public async Task Bench_OfWhatIsNoRegistryToMeasure_SaysWhy(string manner, string said)
    {
        await using var registry = DullRegistry.Start(manner);

        var (exitCode, output, errors) = await BenchAsync(registry.Host, "--workload", "push");

        errors.ShouldContain(said);
        output.ShouldBeEmpty();
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Bench_OfManyTags_CountsTheirOneManifestAndTheReferrersOnce()
    {
        await using var server = await StartAsync("counted");

        var (exitCode, output, errors) = await BenchAsync(HostOf(server), "--workload", "tags,referrers", "--entries", "7", "--rounds", "2", "--requests", "10", "--json");

        exitCode.ShouldBe(0, errors);
        using var json = JsonDocument.Parse(output);
        // The tags' index; the subject and its referrers.
        json.RootElement.GetProperty("leftBehind")[0].GetProperty("manifests").GetInt64().ShouldBe(1 + 1 + 7);
    }

    [Fact]
    public async Task Bench_WhoseRemarksAndReportCantBeWritten_SaysWhatItCan()
    {
        await using var server = await StartAsync("full");
        string Call(string more) => $"'{HoldfastProcess.Program}' bench {HostOf(server)} --workload push --size 1KB --requests 5 --json {more}";

        var (exitCode, output, _) = await ShellAsync(Call("2>/dev/full"));
        exitCode.ShouldBe(0);
        JsonDocument.Parse(output).Dispose();
        (exitCode, _, var errors) = await ShellAsync(Call(">/dev/full"));
        exitCode.ShouldBe(2);
        errors.ShouldContain("could not be written to standard output");
        errors.ShouldContain("5 manifests");
    }

    [Fact]
    public async Task Bench_OverHttpOfWhatSpeaksTls_SaysSo()
    {
        folder.Write("tls.yaml", "data: data-tls\nlisteners: [ { url: \"https://127.0.0.1:0\", tls: { certificate: tls.pem, key: tls.key } } ]\n");
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "tls.yaml"]);

        var (exitCode, _, errors) = await BenchAsync($"http://{HostOf(server)}", "--workload", "head");

        errors.ShouldContain($"{HostOf(server)}: the connection was ended before the answer (what speaks TLS does so when it is asked over http; then write https://)");
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Bench_ThatIsInterrupted_ReportsWhatItHas()
    {
        await using var server = await StartAsync("interrupted");
        using var process = System.Diagnostics.Process.Start(HoldfastProcess.Describe(
            "/usr/bin/env", folder.Path, ["--default-signal=INT,TERM", HoldfastProcess.Program, "bench", HostOf(server), "--workload", "manifest-by-tag", "--duration", "10m", "--warmup", "0s", "--json"], []))!;
        var output = process.StandardOutput.ReadToEndAsync();
        // The server's own count says when it is at work.
        while (!(await server.Client.GetStringAsync("/metrics")).Split('\n').Any(static line =>
            line.StartsWith("holdfast_http_requests_total", StringComparison.Ordinal) && line.Contains("route=\"manifest\",method=\"GET\",code=\"200\"", StringComparison.Ordinal)))
            await Task.Delay(50);

        using var kill = System.Diagnostics.Process.Start("kill", ["-INT", process.Id.ToString()]);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));

        process.ExitCode.ShouldBe(130);
        using var json = JsonDocument.Parse(await output);
        json.RootElement.GetProperty("complete").GetBoolean().ShouldBeFalse();
        json.RootElement.GetProperty("measurements")[0].GetProperty("results")[0].GetProperty("rounds")[0].GetProperty("completed").GetInt64().ShouldBeGreaterThan(0);
    }

    private static double BytesOf(List<JsonElement> measured, string workload)
    {
        var round = measured.Single(one => one.GetProperty("dataSet").GetProperty("workload").GetString() == workload).GetProperty("results")[0].GetProperty("rounds")[0];
        return round.GetProperty("bytesPerSecond").GetDouble() * round.GetProperty("seconds").GetDouble();
    }

    private async Task<(int ExitCode, string Output, string Errors)> ShellAsync(string command)
    {
        using var process = System.Diagnostics.Process.Start(HoldfastProcess.Describe("/bin/sh", folder.Path, ["-c", command], [("HOME", folder.Path)]))!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    private Task<RunningServer> StartAsync(string data) =>
        RunningServer.StartAsync(folder.Path, ["--data", data, "--listen", "http://127.0.0.1:0"]);

    private Task<(int ExitCode, string Output, string Errors)> BenchAsync(params string[] arguments) =>
        HoldfastProcess.RunAsync(folder.Path, ["bench", .. arguments], ("HOME", folder.Path));

    private static string HostOf(RunningServer server) => server.Addresses[0].Authority;
}
