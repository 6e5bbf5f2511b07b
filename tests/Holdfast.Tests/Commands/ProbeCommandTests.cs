using System.Diagnostics;
using System.Text.Json;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary><c>holdfast probe</c> as a program: once, again and again, stopped, restarted.</summary>
public sealed class ProbeCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Probe_Once_WritesTheSixNamesToAFileAndExits0()
    {
        await using var server = await StartAsync("once");
        await SmallImage.PushAsync(server, "team/app", "v1");
        var file = Path.Combine(folder.Path, "once.prom");

        var (exitCode, output, errors) = await ProbeAsync(HostOf(server), "--textfile", file);

        errors.ShouldBeEmpty();
        exitCode.ShouldBe(0);
        output.ShouldContain("0 findings in 1 of 1 tag of 1 repository");
        var metrics = await File.ReadAllTextAsync(file);
        foreach (var (name, value) in new[] { ("failures", "0"), ("catalog_accessible", "1"), ("repos_checked", "1"), ("tags_checked", "1"), ("indexes_checked", "0") })
            metrics.ShouldContain($"registry_manifest_integrity_{name}{{instance=\"{HostOf(server)}\"}} {value}\n");
        metrics.ShouldContain("registry_manifest_integrity_last_run_timestamp{");
        File.Exists(file + ".new").ShouldBeFalse();
    }

    [Theory]
    [InlineData("127.0.0.1:1", "refused")]
    [InlineData("127.0.0.1:1/app", "whole registries")]
    [InlineData("127.0.0.1:1 127.0.0.1:1", "named twice")]
    [InlineData("127.0.0.1:1 --interval soon", "--interval")]
    [InlineData("127.0.0.1:1 --listen http://127.0.0.1:9464", "--interval 15m")]
    [InlineData("127.0.0.1:1 --max-tags 0", "at least 1")]
    [InlineData("127.0.0.1:1 --textfile absent/file.prom", "there is no folder")]
    [InlineData("127.0.0.1:1 --pushgateway push:9091", "no http or https address")]
    [InlineData("127.0.0.1:1 --pushgateway http://ci:s3cret@push:9091", "a user and a password in the address are not taken")]
    [InlineData("127.0.0.1:1 --interval 1m --listen http://registry.invalid:9", "no address of this machine")]
    [InlineData("127.0.0.1:1 --interval 1m --listen https://127.0.0.1:9", "http://")]
    public async Task Probe_ThatCannotBegin_Exits2WithTheWayOut(string arguments, string said)
    {
        var (exitCode, output, errors) = await ProbeAsync(arguments.Split(' '));

        (output + errors).ShouldContain(said);
        (output + errors).ShouldNotContain("s3cret");
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Probe_OfAnEmptyRegistry_Exits2AndSaysInaccessible()
    {
        await using var server = await StartAsync("empty");
        var file = Path.Combine(folder.Path, "empty.prom");

        (await ProbeAsync(HostOf(server), "--textfile", file)).ExitCode.ShouldBe(2);

        var metrics = await File.ReadAllTextAsync(file);
        metrics.ShouldContain("catalog_accessible{instance=\"" + HostOf(server) + "\"} 0\n");
        metrics.ShouldNotContain("last_run_timestamp{");
    }

    [Fact]
    [Promise("P8")]
    public async Task Probe_EveryInterval_AnswersMetricsPushesKeepsItsMemoryAndStops()
    {
        await using var server = await StartAsync("loop");
        await SmallImage.PushAsync(server, "team/app", "v1");
        await using var gateway = FakePushgateway.Start();
        var port = FreePorts.Take();
        var memory = Path.Combine(folder.Path, "probe.memory");
        string[] arguments = ["probe", HostOf(server), "--interval", "1s", "--json", "--memory", memory, "--pushgateway", gateway.Address, "--listen", $"http://127.0.0.1:{port}"];

        var (rounds, metrics, exitCode) = await RunUntilAsync(arguments, port, lines: 3);

        exitCode.ShouldBe(0);
        rounds[0].GetProperty("bytesRead").GetInt64().ShouldBeGreaterThan(0);
        rounds[1].GetProperty("bytesRead").GetInt64().ShouldBe(0);
        metrics.ShouldContain("registry_manifest_integrity_tags_checked{instance=\"" + HostOf(server) + "\"} 1\n");
        gateway.Pushed.ShouldNotBeEmpty();
        gateway.Pushed.First().Path.ShouldBe($"/metrics/job/holdfast-probe/instance/{Uri.EscapeDataString(HostOf(server))}");
        gateway.Pushed.First().Body.ShouldContain("registry_manifest_integrity_failures{");

        var (again, _, _) = await RunUntilAsync(arguments, port, lines: 1);
        again[0].GetProperty("bytesRead").GetInt64().ShouldBe(0);
    }

    private static async Task<(List<JsonElement> Rounds, string Metrics, int ExitCode)> RunUntilAsync(string[] arguments, int port, int lines)
    {
        using var process = Process.Start(HoldfastProcess.Describe("/usr/bin/env", "/", ["--default-signal=INT,TERM", HoldfastProcess.Program, .. arguments], []))!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            var rounds = new List<JsonElement>();
            while (rounds.Count < lines)
                rounds.Add(JsonDocument.Parse((await process.StandardOutput.ReadLineAsync(limit.Token))!).RootElement);
            using var http = new HttpClient();
            var metrics = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"), limit.Token);
            using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (rounds, metrics, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private Task<RunningServer> StartAsync(string data) =>
        RunningServer.StartAsync(folder.Path, ["--data", "probe-" + data, "--listen", "http://127.0.0.1:0"]);

    private Task<(int ExitCode, string Output, string Errors)> ProbeAsync(params string[] arguments) =>
        HoldfastProcess.RunAsync(folder.Path, ["probe", .. arguments]);

    private static string HostOf(RunningServer server) => server.Addresses[0].Authority;
}
