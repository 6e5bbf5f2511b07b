using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EndToEnd.Servers;

namespace EndToEnd.Monitoring;

/// <summary>What deploy/ offers for Prometheus and Grafana, as it is committed.</summary>
internal static partial class DeployFiles
{
    public static string Prometheus { get; } = Path.Combine(HoldfastProcess.Checkout, "deploy", "prometheus");

    /// <summary>Every query of the dashboard under its panel's title, with Grafana's variables filled in as "all".</summary>
    public static IReadOnlyList<(string Panel, string Query)> DashboardQueries(string rateInterval)
    {
        var dashboard = JsonNode.Parse(File.ReadAllText(Path.Combine(HoldfastProcess.Checkout, "deploy", "grafana", "holdfast.json")))!;
        return
        [
            .. from panel in dashboard["panels"]!.AsArray()
               from target in panel!["targets"]?.AsArray() ?? []
               select ((string)panel["title"]!, Fill((string)target!["expr"]!, rateInterval)),
        ];
    }

    /// <summary>The queries that fill the dashboard's variables, as the metric whose label they list.</summary>
    public static IEnumerable<string> DashboardVariables() =>
        LabelValues().Matches(File.ReadAllText(Path.Combine(HoldfastProcess.Checkout, "deploy", "grafana", "holdfast.json"))).Select(m => m.Groups["name"].Value).Distinct();

    /// <summary>Every metric that the alerts' expressions name; what their texts name is the same.</summary>
    public static IReadOnlySet<string> AlertMetrics() =>
        Metric().Matches(File.ReadAllText(Path.Combine(Prometheus, "alerts.yml"))).Select(m => m.Value).ToHashSet();

    public static IReadOnlyList<string> Alerts() =>
        [.. Alert().Matches(File.ReadAllText(Path.Combine(Prometheus, "alerts.yml"))).Select(m => m.Groups["name"].Value).Distinct()];

    private static string Fill(string query, string rateInterval) =>
        query.Replace("$__rate_interval", rateInterval).Replace("$instance", ".*").Replace("$probed", ".*");

    [GeneratedRegex(@"\b(?:holdfast|registry_manifest_integrity)_[a-z_]+\b", RegexOptions.ExplicitCapture)]
    private static partial Regex Metric();

    [GeneratedRegex(@"^\s*- alert: (?<name>\w+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Alert();

    [GeneratedRegex(@"""definition"": ""label_values\((?<name>\w+), instance\)""", RegexOptions.ExplicitCapture)]
    private static partial Regex LabelValues();
}
