using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Holdfast.Server.Auth;

internal static class AuthMetrics
{
    private static readonly Meter Meter = new("Holdfast.Server");

    private static readonly ConcurrentDictionary<HtpasswdFile, string> Files = new();

    public static readonly Counter<long> Failures =
        Meter.CreateCounter<long>("holdfast_auth_failures_total", description: "Requests whose credentials were refused.");

    public static readonly Counter<long> ReloadFailures =
        Meter.CreateCounter<long>("holdfast_htpasswd_reload_failures_total", description: "Changed htpasswd files that were refused.");

    static AuthMetrics() => Meter.CreateObservableGauge(
        "holdfast_configuration_stale", Observe, description: "1 while a file on disk is refused and an older reading of it is in use.");

    // Metrics are read without credentials, and where files lie is nobody's business: the name alone must do.
    public static void Watch(HtpasswdFile file) => Files.TryAdd(file, Path.GetFileName(file.Path));

    public static void Forget(HtpasswdFile file) => Files.TryRemove(file, out _);

    public static void ReloadFailed(HtpasswdFile file) =>
        ReloadFailures.Add(1, new KeyValuePair<string, object?>("file", Path.GetFileName(file.Path)));

    public static void Failed(string registry, string reason) =>
        Failures.Add(1, new KeyValuePair<string, object?>("registry", registry), new KeyValuePair<string, object?>("reason", reason));

    // Several registries may use one file, or files of one name.
    private static IEnumerable<Measurement<int>> Observe() => Files
        .GroupBy(f => f.Value, StringComparer.Ordinal)
        .Select(g => new Measurement<int>(g.Any(f => f.Key.IsStale) ? 1 : 0, new KeyValuePair<string, object?>("file", g.Key)));
}
