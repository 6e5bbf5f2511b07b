using System.Globalization;
using System.Text.Json.Nodes;
using EndToEnd.Processes;

namespace EndToEnd.Monitoring;

/// <summary>Debian's prometheus with the configuration and the rules that deploy/ offers; only addresses and intervals are the test's.</summary>
internal sealed class PrometheusProcess : IAsyncDisposable
{
    private readonly Daemon _daemon;
    private readonly HttpClient _http;

    private PrometheusProcess(Daemon daemon, HttpClient http) => (_daemon, _http) = (daemon, http);

    /// <param name="holdfast">Host and port that the sample's job `holdfast` scrapes.</param>
    /// <param name="probe">Host and port for its job `registry-probe`, which stands there commented out.</param>
    public static async Task<PrometheusProcess> StartAsync(Lab lab, string holdfast, string probe, CancellationToken token)
    {
        Require.Programs("prometheus");
        var folder = lab.NewFolder("prometheus");
        var sample = await File.ReadAllTextAsync(Path.Combine(DeployFiles.Prometheus, "prometheus.yml"), token);
        var configuration = sample.Replace(": 30s", ": 1s").Replace("127.0.0.1:5000", holdfast).Replace("127.0.0.1:9464", probe);
        configuration = string.Join('\n', configuration.Split('\n').Select(Uncomment));
        configuration.ShouldContain($"\n      - targets: [\"{probe}\"]");
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), configuration, token);
        File.Copy(Path.Combine(DeployFiles.Prometheus, "alerts.yml"), Path.Combine(folder, "alerts.yml"));
        var address = $"127.0.0.1:{FreePorts.Take()}";
        var daemon = Daemon.Start(lab, Path.Combine(folder, "log"), new ToolCall(
            "prometheus", $"--config.file={folder}/prometheus.yml", $"--storage.tsdb.path={folder}/data", $"--web.listen-address={address}"));
        var prometheus = new PrometheusProcess(daemon, new HttpClient { BaseAddress = new Uri($"http://{address}/") });
        await daemon.WaitUntilAsync(prometheus.IsReadyAsync, TimeSpan.FromSeconds(60), token);
        return prometheus;
    }

    /// <summary>Asks as a dashboard does: one value a second, from a time to now.</summary>
    /// <returns>Whether any of them is a number.</returns>
    public async Task<bool> HasDataAsync(string query, DateTimeOffset since, CancellationToken token)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var answer = await AskAsync(string.Create(
            CultureInfo.InvariantCulture, $"api/v1/query_range?query={Uri.EscapeDataString(query)}&start={since.ToUnixTimeSeconds()}&end={now}&step=1"), token);
        return answer["result"]!.AsArray().SelectMany(series => series!["values"]!.AsArray()).Any(pair => (string)pair![1]! is not ("NaN" or "+Inf" or "-Inf"));
    }

    /// <returns>The values that a label has in a metric's series.</returns>
    public async Task<IReadOnlyList<string>> LabelValuesAsync(string metric, string label, CancellationToken token) =>
        [.. (await AskAsync($"api/v1/label/{label}/values?match[]={metric}", token)).AsArray().Select(value => (string)value!)];

    /// <returns>The alerts whose expression could not be evaluated, with the error.</returns>
    public async Task<IReadOnlyList<string>> RuleFaultsAsync(CancellationToken token) =>
        [
            .. from rules in (await AskAsync("api/v1/rules", token))["groups"]!.AsArray()
               from rule in rules!["rules"]!.AsArray()
               where (string)rule!["health"]! != "ok"
               select $"{rule["name"]}: {rule["health"]} {rule["lastError"]}",
        ];

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _daemon.DisposeAsync();
    }

    // The lines of the second job, and nothing else that is a remark.
    private static string Uncomment(string line) =>
        line.StartsWith("  # - job_name", StringComparison.Ordinal) || line.StartsWith("  #   ", StringComparison.Ordinal) ? "  " + line[4..] : line;

    private async Task<JsonNode> AskAsync(string path, CancellationToken token)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), token);
        var body = await response.Content.ReadAsStringAsync(token);
        response.IsSuccessStatusCode.ShouldBeTrue($"{path}: {body}");
        return JsonNode.Parse(body)!["data"]!;
    }

    private async Task<bool> IsReadyAsync(CancellationToken token)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri("-/ready", UriKind.Relative), token);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
