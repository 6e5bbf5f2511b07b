using System.Text.Json;
using Holdfast.Server;

namespace Holdfast.Configuration;

/// <summary>Says what the caches of a configuration are filled from, and what they keep.</summary>
internal static class CacheReport
{
    public static void Write(ServerOptions server, TextWriter output)
    {
        foreach (var registry in server.Registries)
        {
            if (registry.Cache is { } cache)
                output.WriteLine($"  cache {registry.Name} of {cache.Upstream.Namespace}: {Describe(cache)}");
        }

        if (server.Caches.MaxBytes is { } max)
            output.WriteLine($"  all caches together: at most {Quantity.Format(max)}");
    }

    public static void WriteJson(ServerOptions server, Utf8JsonWriter json)
    {
        json.WriteStartArray("caches");
        foreach (var registry in server.Registries)
        {
            if (registry.Cache is not { } cache)
                continue;
            json.WriteStartObject();
            json.WriteString("name", registry.Name);
            json.WriteString("namespace", cache.Upstream.Namespace);
            json.WriteStartArray("upstreams");
            foreach (var url in cache.Upstream.Urls)
                json.WriteStringValue(url.OriginalString);
            json.WriteEndArray();
            if (cache.MaxBytes is { } max)
                json.WriteNumber("maxBytes", max);
            else
                json.WriteNull("maxBytes");
            json.WriteString("summary", Describe(cache));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    internal static string Describe(CacheOptions cache)
    {
        var upstream = cache.Upstream;
        var parts = new List<string>
        {
            $"from {string.Join(", then ", upstream.Urls.Select(url => url.OriginalString))}{(upstream.Username is { } user ? $" as {user}" : "")}",
            cache.Tags.RevalidateAfter == TimeSpan.Zero ? "tags are asked for at each pull" : $"tags are asked for again after {IntegrityReport.Format(cache.Tags.RevalidateAfter)}",
            cache.Tags.ServeStaleFor == TimeSpan.Zero ? "and not served while the upstream is away" : $"and served for {IntegrityReport.Format(cache.Tags.ServeStaleFor)} while the upstream is away",
            cache.MaxBytes is { } max ? $"at most {Quantity.Format(max)}" : "no limit of its own",
        };
        if (cache.Pins.Count > 0)
            parts.Add($"{string.Join(' ', cache.Pins)} always {(cache.Pins.Count == 1 ? "stays" : "stay")}");
        if (cache.PrefetchPlatforms.Count > 0)
            parts.Add($"whole for {string.Join(' ', cache.PrefetchPlatforms)}");
        return string.Join("; ", parts).Replace("; and ", " and ", StringComparison.Ordinal);
    }
}
