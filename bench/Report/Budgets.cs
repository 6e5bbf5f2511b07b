namespace Holdfast.Report;

/// <summary>The targets. Figures and servers are named as the session script names them.</summary>
internal static class Budgets
{
    private const string Rate = "requestsPerSecond";
    private const string Cpu = "serverCpuSeconds";
    private const double Megabyte = 1e6;

    public static readonly IReadOnlyList<Budget> All =
    [
        Ratio("GET manifest by tag, 16 connections", "manifest-by-tag", Rate, "holdfast", "docker-registry", atLeast: true, 15),
        Ratio("the same behind htpasswd users", "manifest-by-tag", Rate, "holdfast-users", "docker-registry-users", atLeast: true, 15),
        Ratio("the same against a static file of that size", "manifest-by-tag", Rate, "holdfast", "nginx", atLeast: true, 0.5),
        Ratio("pull of one layer, throughput", "pull", "bytesPerSecond", "holdfast", "nginx", atLeast: true, 0.95),
        Ratio("pull of one layer, server CPU", "pull", Cpu, "holdfast", "nginx", atLeast: false, 1.1),
        Ratio("push of one layer, synced, throughput", "push", "bytesPerSecond", "holdfast", "dd", atLeast: true, 0.9),
        Ratio("push of one layer, throughput", "push", "bytesPerSecond", "holdfast", "docker-registry", atLeast: true, 1),
        Ratio("push of small images, 16 clients", "small-push", Rate, "holdfast", "docker-registry", atLeast: true, 1),
        Value("start to first 200", "start", "firstAnswerSeconds", 0.7, "s", 1),
        Value("memory at rest after start", "start", "idleBytes", 110, "MB", Megabyte),
        Value("memory at rest after a few requests", "start", "usedBytes", 110, "MB", Megabyte),
        Value("peak memory, 16 parallel pushes", "parallel-push", "serverPeakBytes", 400, "MB", Megabyte),
        Ratio("tags/list page of 100, p99, many against 100 entries", "tags", "p99Milliseconds", "holdfast-many", "holdfast-few", atLeast: false, 2),
        Ratio("_catalog page of 100, p99, many against 100 entries", "catalog", "p99Milliseconds", "holdfast-many", "holdfast-few", atLeast: false, 2),
    ];

    private static Budget Ratio(string title, string figure, string metric, string server, string peer, bool atLeast, double limit) =>
        new(title, new Reading(figure, server, metric), new Reading(figure, peer, metric), atLeast, limit);

    private static Budget Value(string title, string figure, string metric, double limit, string unit, double scale) =>
        new(title, new Reading(figure, "holdfast", metric), null, AtLeast: false, limit, unit, scale);
}
