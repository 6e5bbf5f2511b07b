namespace Holdfast.Report;

/// <summary>The targets. Figures and servers are named as the scripts of the session name them.</summary>
internal static class Budgets
{
    private const string Rate = "requestsPerSecond";
    private const string Bytes = "bytesPerSecond";
    private const string Cpu = "serverCpuSeconds";
    private const string P99 = "p99Milliseconds";
    private const string Holdfast = "holdfast";
    private const string Registry = "docker-registry";
    private const string Nginx = "nginx";
    private const double Megabyte = 1e6;

    private static readonly (string Figure, string Title)[] Pulls =
    [
        ("layer-1", "large layer, 1 client"), ("layer-16", "large layer, 16 clients"), ("100MB-1", "100 MB, 1 client"), ("100MB-16", "100 MB, 16 clients"),
    ];

    public static readonly IReadOnlyList<Budget> All =
    [
        .. Manifest("manifest-by-tag", "GET manifest by tag, 16 connections"),
        .. Manifest("manifest-by-digest", "GET manifest by digest, 16 connections"),
        AtLeast("HEAD of a blob", "head", Rate, 10, Registry),
        AtLeast("page of 100 tags, of 100", "tags-100", Rate, 10, Registry),
        AtLeast("page of 100 tags, of 1,000", "tags-1000", Rate, 10, Registry),
        Referrers("page of 5 referrers", "referrers-5"),
        Referrers("page of 100 referrers", "referrers-100"),
        .. Pulls.SelectMany(static pull => Pull(pull.Figure, pull.Title)),
        AtLeast("push of the large layer, durable: throughput", "push", Bytes, 0.95, "dd"),
        AtMost("the same: server CPU", "push", Cpu, 1.15, "dd", "sha256"),
        AtLeast("pushes of 10 MB, 16 clients, durable; the peer doesn't sync", "push-10MB", Rate, 1.3, Registry),
        AtLeast("pushes of small images, 16 clients, durable; the peer doesn't sync", "small-push-16", Rate, 2, Registry),
        AtLeast("the same, 128 clients", "small-push-128", Rate, 2, Registry),
        Beside("p99 of pulls beside 16 pushers at 20 a second, collection and scrub", "paced"),
        Beside("the same, the pushers as fast as they can", "flat-out"),
        Large("1,000,000 manifests: GET manifest by tag", "large-manifest-by-tag"),
        Large("the same: by digest", "large-manifest-by-digest"),
        Large("the same: page of 100 tags", "large-tags"),
        Large("the same: pushes of small images", "large-push"),
        Large("the same, database and folders in the page cache", "large-push-cached"),
        Value("the same: start to the first 200, not in the page cache", "large-start-cold", "firstAnswerSeconds", 2, "s", 1, "holdfast-large"),
        Value("the same: check of presence and graph", "large-check", "seconds", 60, "s", 1, "holdfast-large"),
        Value("start of the published file to the first 200", "start", "firstAnswerSeconds", 0.4, "s", 1),
        Value("memory at rest after the start", "start", "idleBytes", 80, "MB", Megabyte),
        Value("peak memory, 16 large layers pushed at once", "parallel-push", "serverPeakBytes", 400, "MB", Megabyte),
        Pages("page of 100 tags, p99, many against 100", "many-tags"),
        Pages("page of 100 repositories, p99, many against 100", "many-catalog"),
    ];

    private static IEnumerable<Budget> Manifest(string figure, string title) =>
    [
        AtLeast(title, figure, Rate, 0.7, Nginx),
        AtLeast("the same", figure, Rate, 25, Registry),
        Ratio("the same with users (htpasswd)", new Reading(figure, "holdfast-users", Rate), [new Reading(figure, Holdfast, Rate)], atLeast: true, 0.9),
    ];

    private static IEnumerable<Budget> Pull(string figure, string title) =>
    [
        AtLeast($"pull, {title}: throughput", $"pull-{figure}", Bytes, 1, Nginx),
        AtMost("the same: server CPU", $"pull-{figure}", Cpu, 1, Nginx),
        AtLeast("the same over TLS: throughput", $"tls-pull-{figure}", Bytes, 0.9, Nginx),
    ];

    private static Budget Referrers(string title, string figure) =>
        Ratio(title, new Reading(figure, Holdfast, Rate), [new Reading("manifest-by-digest", Holdfast, Rate)], atLeast: true, 0.3);

    private static Budget Beside(string title, string server) =>
        Ratio(title, new Reading("beside", server, P99), [new Reading("beside", "alone", P99)], atLeast: false, 1.3);

    // Within 1.2 times of an empty store.
    private static Budget Large(string title, string figure) =>
        Ratio(title, new Reading(figure, "holdfast-large", Rate), [new Reading(figure, "holdfast-empty", Rate)], atLeast: true, 1 / 1.2);

    private static Budget Pages(string title, string figure) =>
        Ratio(title, new Reading(figure, "holdfast-many", P99), [new Reading(figure, "holdfast-few", P99)], atLeast: false, 2);

    private static Budget AtLeast(string title, string figure, string metric, double limit, string peer) =>
        Ratio(title, new Reading(figure, Holdfast, metric), [new Reading(figure, peer, metric)], atLeast: true, limit);

    private static Budget AtMost(string title, string figure, string metric, double limit, params string[] peers) =>
        Ratio(title, new Reading(figure, Holdfast, metric), [.. peers.Select(peer => new Reading(figure, peer, metric))], atLeast: false, limit);

    private static Budget Ratio(string title, Reading reading, IReadOnlyList<Reading> peers, bool atLeast, double limit) => new(title, reading, peers, atLeast, limit);

    private static Budget Value(string title, string figure, string metric, double limit, string unit, double scale, string server = Holdfast) =>
        new(title, new Reading(figure, server, metric), [], AtLeast: false, limit, unit, scale);
}
