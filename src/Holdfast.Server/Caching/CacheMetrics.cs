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

    private static readonly Counter<long> Evictions = Meter.CreateCounter<long>(
        "holdfast_cache_evictions_total", "{image}", "Images that went to keep a cache within its bound, by cache.");

    private static readonly Counter<long> EvictedBytes = Meter.CreateCounter<long>(
        "holdfast_cache_evicted_bytes_total", "By", "Bytes of manifests and blobs that went with them, by cache.");

    private static readonly Gauge<long> Size = Meter.CreateGauge<long>("holdfast_cache_size_bytes", "By", "Bytes of all manifests and blobs that a cache holds, by cache.");

    private static readonly Gauge<long> Bound = Meter.CreateGauge<long>("holdfast_cache_size_limit_bytes", "By", "What a cache may hold (size.max), by cache; absent for one without a limit of its own.");

    public static void Evicted(string cache, long bytes)
    {
        Evictions.Add(1, new KeyValuePair<string, object?>("cache", cache));
        EvictedBytes.Add(bytes, new KeyValuePair<string, object?>("cache", cache));
    }

    /// <param name="bound">Null: it has none of its own.</param>
    public static void Sized(string cache, long bytes, long? bound)
    {
        Size.Record(bytes, new KeyValuePair<string, object?>("cache", cache));
        if (bound is { } most)
            Bound.Record(most, new KeyValuePair<string, object?>("cache", cache));
    }

    public static void Asked(string cache, string kind, string answer) => Requests.Add(
        1, new KeyValuePair<string, object?>("cache", cache), new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("answer", answer));

    public static void Saved(string cache, long bytes) => FromCache.Add(bytes, new KeyValuePair<string, object?>("cache", cache));

    public static void Fetched(string cache, long bytes) => FromUpstream.Add(bytes, new KeyValuePair<string, object?>("cache", cache));

    public static void Wrong(string cache) => WrongBytes.Add(1, new KeyValuePair<string, object?>("cache", cache));

    public static void AnsweredStale(string cache) => Stale.Add(1, new KeyValuePair<string, object?>("cache", cache));
}
