using System.Diagnostics.Metrics;

namespace Holdfast.Server.Caching;

internal static class CacheMetrics
{
    private static readonly Meter Meter = new("Holdfast.Caches");

    private static readonly Counter<long> Requests = Meter.CreateCounter<long>(
        "holdfast_cache_requests_total", "{request}", "Pulls from caches, by cache, by what was asked for (manifest, blob) and by how it was answered (hit, miss, stale, gone, failed).");

    private static readonly Counter<long> FromCache = Meter.CreateCounter<long>(
        "holdfast_cache_saved_bytes_total", "By", "Bytes of blobs that clients got without asking the upstream, by cache.");

    private static readonly Counter<long> FromUpstream = Meter.CreateCounter<long>(
        "holdfast_cache_fetched_bytes_total", "By", "Bytes of blobs that were fetched from the upstream, right and whole, by cache.");

    private static readonly Counter<long> WrongBytes = Meter.CreateCounter<long>(
        "holdfast_cache_wrong_total", "{object}", "Manifests and blobs that came from the upstream with wrong bytes, by cache.");

    private static readonly Counter<long> Stale = Meter.CreateCounter<long>(
        "holdfast_cache_stale_answers_total", "{answer}", "Tags answered as they were last known because the upstream did not say, by cache.");

    public static void Asked(string cache, string kind, string answer) => Requests.Add(
        1, new KeyValuePair<string, object?>("cache", cache), new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("answer", answer));

    public static void Saved(string cache, long bytes) => FromCache.Add(bytes, new KeyValuePair<string, object?>("cache", cache));

    public static void Fetched(string cache, long bytes) => FromUpstream.Add(bytes, new KeyValuePair<string, object?>("cache", cache));

    public static void Wrong(string cache) => WrongBytes.Add(1, new KeyValuePair<string, object?>("cache", cache));

    public static void AnsweredStale(string cache) => Stale.Add(1, new KeyValuePair<string, object?>("cache", cache));
}
