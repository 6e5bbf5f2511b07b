using System.Diagnostics;
using EndToEnd.Monitoring;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>Alerts and dashboard of deploy/: Prometheus takes them, and what they ask for is there.</summary>
public sealed class MonitoringTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("alerts.test.yml")]
    [InlineData("alerts.days.test.yml")]
    public async Task Alerts_InTheirRuleTests_FireWhenTheyMustAndOnlyThen(string file)
    {
        Require.Programs("promtool");
        await new ToolCall("promtool", "test", "rules", file) { Directory = DeployFiles.Prometheus }.OutputAsync(Token);
    }

    [Fact]
    public async Task Alerts_EachOfThem_IsTriedFiringAndNotFiringAndExplained()
    {
        var tests = await File.ReadAllTextAsync(Path.Combine(DeployFiles.Prometheus, "alerts.test.yml"), Token);
        var page = await File.ReadAllTextAsync(Path.Combine(HoldfastProcess.Checkout, "docs", "alerts.md"), Token);
        DeployFiles.Alerts().Count.ShouldBeGreaterThan(3);
        foreach (var alert in DeployFiles.Alerts())
        {
            tests.ShouldContain($"alertname: {alert}, exp_alerts: []");
            tests.ShouldContain($"alertname: {alert}\n        exp_alerts:\n          - ");
            page.ShouldContain($"\n### {alert}\n");
        }
    }

    [Fact]
    public async Task Sample_OfPrometheus_IsWhatPrometheusTakes()
    {
        Require.Programs("promtool");
        await new ToolCall("promtool", "check", "config", "prometheus.yml") { Directory = DeployFiles.Prometheus }.OutputAsync(Token);
    }

    [Fact]
    [Promise("P8")]
    public async Task DashboardAndAlerts_AskedOfAPrometheusThatScrapesAServer_AllHaveData()
    {
        Require.Programs("prometheus", "docker-registry");
        var data = lab.NewFolder("watched");
        await using var pulls = await CacheWorkload.StartAsync(lab, Token);
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data, More = Workload.Configuration, Cache = pulls.Cache }, Token);
        await using var probe = StartProbe(server, out var probeAddress);
        await using var prometheus = await PrometheusProcess.StartAsync(lab, server.For(Mode.Plain).Host, probeAddress, Token);
        using var workload = new Workload(server, data, server.Users);
        var since = DateTimeOffset.UtcNow;
        var asked = Asked();
        var watch = Stopwatch.StartNew();
        // Rates need two scrapes, and a percentile something that happened between them.
        while (asked.Count > 0 && watch.Elapsed < TimeSpan.FromMinutes(3))
        {
            await workload.RunAsync(Token);
            await pulls.RunAsync(server.Cache, Token);
            asked = await WithoutDataAsync(prometheus, asked, since);
        }

        asked.ShouldBeEmpty("no data, though a server did all of it: is a metric called otherwise?");
        (await prometheus.RuleFaultsAsync(Token)).ShouldBeEmpty();
        // Without honor_labels Prometheus would call the probed registries by its own targets: those that serve probes itself, and what `holdfast probe` was told.
        (await prometheus.LabelValuesAsync("registry_manifest_integrity_failures", "instance", Token)).ShouldBe(
            [.. Enum.GetValues<Mode>().Select(mode => mode.ToString().ToLowerInvariant()), server.For(Mode.Plain).Host], ignoreOrder: true);
        // The check itself: a metric that isn't there has no data.
        (await prometheus.HasDataAsync("sum(rate(holdfast_scrub_byte_total[10s]))", since, Token)).ShouldBeFalse();
    }

    private static List<(string Of, string Query)> Asked() =>
        [
            .. DeployFiles.DashboardQueries("10s"),
            .. DeployFiles.DashboardVariables().Select(metric => ("a variable of the dashboard", metric)),
            .. DeployFiles.AlertMetrics().Select(metric => ("alerts.yml", metric)),
        ];

    private static async Task<List<(string Of, string Query)>> WithoutDataAsync(
        PrometheusProcess prometheus, List<(string Of, string Query)> asked, DateTimeOffset since)
    {
        var left = new List<(string Of, string Query)>();
        foreach (var (of, query) in asked)
        {
            if (!await prometheus.HasDataAsync(query, since, Token))
            {
                left.Add((of, query));
            }
        }

        return left;
    }

    /// <summary>The other probe, which runs beside the server's own.</summary>
    private Daemon StartProbe(HoldfastProcess server, out string address)
    {
        address = $"127.0.0.1:{FreePorts.Take()}";
        return Daemon.Start(lab, Path.Combine(lab.NewFolder("probe"), "log"), new ToolCall(
            HoldfastProcess.Executable, "probe", server.For(Mode.Plain).Host, "--interval", "1s", "--listen", $"http://{address}"));
    }
}
