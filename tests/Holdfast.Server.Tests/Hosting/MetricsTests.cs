using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Holdfast.Server.Metrics;
using Holdfast.Server.Uploads;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public class MetricsTests
{
    [Fact]
    public async Task Requests_ByRegistryRouteMethodAndCode_AreCounted()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering("four"));
        for (var i = 0; i < 3; i++)
            (await host.Client.GetAsync("/v2/secret-name/manifests/latest")).Dispose();
        using (var odd = new HttpRequestMessage(new HttpMethod("BREW"), "/v2/"))
            (await host.Client.SendAsync(odd)).Dispose();
        var text = await host.Client.GetStringAsync("/metrics");
        text.ShouldContain("holdfast_http_requests_total{registry=\"main\",route=\"manifest\",method=\"GET\",code=\"200\"} 3\n");
        text.ShouldContain("holdfast_http_requests_total{registry=\"main\",route=\"base\",method=\"OTHER\",code=\"200\"} 1\n");
        text.ShouldContain("holdfast_http_request_duration_seconds_count{registry=\"main\",route=\"manifest\",method=\"GET\"} 3\n");
        text.ShouldContain("holdfast_http_request_duration_seconds_bucket{registry=\"main\",route=\"manifest\",method=\"GET\",le=\"+Inf\"} 3\n");
        text.ShouldContain("holdfast_http_response_bytes_total{registry=\"main\",route=\"manifest\"} 12\n");
        text.ShouldContain("holdfast_disk_free_bytes 5000000000\n");
        text.ShouldNotContain("secret-name");
    }

    [Fact]
    public async Task Metrics_OfTwoServers_AreKeptApart()
    {
        await using var one = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        await using var other = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        (await one.Client.GetAsync("/v2/")).Dispose();
        (await other.Client.GetStringAsync("/metrics")).ShouldNotContain("route=\"base\"");
    }

    [Fact]
    public async Task Exposition_OfARunningServer_PassesPromtool()
    {
        if (!File.Exists("/usr/bin/promtool"))
            Assert.Skip("promtool is not installed (Debian: prometheus)");
        using var promtool = Process.Start(new ProcessStartInfo("/usr/bin/promtool", "check metrics")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await promtool.StandardInput.WriteAsync(await ScrapeAsync());
        promtool.StandardInput.Close();
        var findings = await promtool.StandardOutput.ReadToEndAsync() + await promtool.StandardError.ReadToEndAsync();
        await promtool.WaitForExitAsync();
        findings.ShouldBe("");
        promtool.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Exposition_OfARunningServer_IsWhatTheOperationsPageSays()
    {
        // The host under test takes no uploads; whether another test of this process had made the instrument was chance.
        RuntimeHelpers.RunClassConstructor(typeof(UploadMetrics).TypeHandle);
        var exposed = Regex.Matches(await ScrapeAsync(), "^# TYPE (?<name>\\S+) (?<type>\\S+)$", RegexOptions.Multiline)
            .Select(static match => $"{match.Groups["name"].Value} {match.Groups["type"].Value}")
            .ToHashSet(StringComparer.Ordinal);
        var page = await File.ReadAllTextAsync(OperationsPage());
        var documented = Regex.Matches(page, "^\\| `(?<name>[a-z_0-9]+)(?:\\{[^}]*\\})?` \\| (?<type>\\w+) \\|(?<text>.*)$", RegexOptions.Multiline)
            .ToDictionary(static match => $"{match.Groups["name"].Value} {match.Groups["type"].Value}", static match => match.Groups["text"].Value);
        exposed.Except(documented.Keys).ShouldBeEmpty("exposed and not in docs/operations.md");
        documented.Where(static d => !d.Value.Contains("From the first on", StringComparison.Ordinal)).Select(static d => d.Key)
            .Except(exposed).ShouldBeEmpty("in docs/operations.md and not exposed");
    }

    [Fact]
    public void Exposition_OfLabels_EscapesAndOrders()
    {
        using var meter = new Meter("Holdfast.Test", null, null, this);
        using var collector = new MetricsCollector(this, NullLogger.Instance);
        var counter = meter.CreateCounter<long>("b_total", null, "A \\ and a\nnewline.");
        counter.Add(2, new KeyValuePair<string, object?>("x", "z\"\\\n"));
        counter.Add(1, new KeyValuePair<string, object?>("x", "a"));
        meter.CreateUpDownCounter<long>("a_level", null, "Level.").Add(-4);
        var text = "";
        collector.Collect(metrics => text = Exposition.Write(metrics));
        text.ShouldStartWith(
            "# HELP a_level Level.\n# TYPE a_level gauge\na_level -4\n" +
            "# HELP b_total A \\\\ and a\\nnewline.\n# TYPE b_total counter\nb_total{x=\"a\"} 1\nb_total{x=\"z\\\"\\\\\\n\"} 2\n");
    }

    [Fact]
    [Promise("P10")]
    public void Series_BeyondTheCap_AreDroppedAndCounted()
    {
        using var meter = new Meter("Holdfast.Test", null, null, this);
        using var collector = new MetricsCollector(this, NullLogger.Instance);
        var counter = meter.CreateCounter<long>("wild_total");
        for (var i = 0; i < Metric.MaxSeries + 5; i++)
            counter.Add(1, new KeyValuePair<string, object?>("id", i));
        counter.Add(1, new KeyValuePair<string, object?>("id", 0));
        var text = "";
        collector.Collect(metrics => text = Exposition.Write(metrics));
        text.ShouldContain("holdfast_metrics_dropped_series_total 5\n");
        text.ShouldContain("wild_total{id=\"0\"} 2\n");
        Regex.Count(text, "^wild_total", RegexOptions.Multiline).ShouldBe(Metric.MaxSeries);
    }

    [Fact]
    public void Recording_OfKnownSeries_AllocatesNothing()
    {
        using var meter = new Meter("Holdfast.Test", null, null, this);
        using var collector = new MetricsCollector(this, NullLogger.Instance);
        var counter = meter.CreateCounter<long>("requests_total");
        var histogram = meter.CreateHistogram<double>("duration_seconds");
        Measure();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Measure();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        void Measure()
        {
            counter.Add(1, [new("registry", "main"), new("route", "blob"), new("method", "GET"), new("code", "200")]);
            histogram.Record(0.2, new("registry", "main"), new KeyValuePair<string, object?>("route", "blob"));
        }
    }

    [Fact]
    public async Task Recording_FromManyThreads_LosesNothing()
    {
        using var meter = new Meter("Holdfast.Test", null, null, this);
        using var collector = new MetricsCollector(this, NullLogger.Instance);
        var counter = meter.CreateCounter<long>("requests_total");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++)
                counter.Add(1, new KeyValuePair<string, object?>("n", Labels[i % Labels.Length]));
        })));
        var sum = 0.0;
        collector.Collect(metrics => sum = metrics.Single(static m => m.Name == "requests_total").All().Sum(static s => s.Value));
        sum.ShouldBe(40_000);
    }

    private static readonly string[] Labels = [.. Enumerable.Range(0, 100).Select(static n => $"label-{n}")];

    // A server that has seen a push and a pull, over TLS, so that every metric has a series.
    private static async Task<string> ScrapeAsync()
    {
        using var files = new CertificateFiles();
        files.Write("leaf");
        await using var host = await HostUnderTest.StartAsync(
            static async request =>
            {
                await request.Context.Request.Body.CopyToAsync(Stream.Null);
                await HostUnderTest.Answering("text")(request);
            },
            options => options with
            {
                Listeners =
                [
                    .. options.Listeners,
                    new ListenerOptions { Url = new Uri("https://127.0.0.1:0"), Registry = "main", Tls = files.Options },
                ],
            });
        (await host.Client.PutAsync("/v2/a/manifests/b", new StringContent("bytes"))).Dispose();
        return await host.Client.GetStringAsync("/metrics");
    }

    private static string OperationsPage()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Holdfast.slnx")))
            folder = folder.Parent!;
        return Path.Combine(folder.FullName, "docs", "operations.md");
    }
}
