using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>One page of a repository's tags (dist-spec v1.1.1, end-8b) and where the next one is.</summary>
internal static class TagPage
{
    /// <summary>Bytes; old registries send all tags in one page, whatever was asked for.</summary>
    public const int MaxSizeBytes = 16 << 20;

    /// <returns>A sentence that says what is wrong, or null.</returns>
    public static string? ReadInto(List<Tag> tags, ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root || !root.TryGetProperty("tags", out var list))
                return "a page of tags that has no member 'tags'";
            // A repository without any tag: so says registry:2.
            if (list.ValueKind == JsonValueKind.Null)
                return null;
            if (list.ValueKind != JsonValueKind.Array)
                return "a page of tags whose member 'tags' is no array";
            foreach (var item in list.EnumerateArray())
            {
                var text = item.ValueKind == JsonValueKind.String ? item.GetString() : null;
                if (!Tag.TryParse(text, out var tag))
                    return $"a page of tags with '{Failures.Printable(text ?? item.ValueKind.ToString())}', which is no tag";
                tags.Add(tag);
            }
            return null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "a page of tags that is no JSON";
        }
    }

    /// <summary>The address behind <c>rel="next"</c> (RFC 8288, 3), always at the registry: proxies often get scheme and host wrong.</summary>
    public static Uri? Next(Uri page, HttpResponseMessage response)
    {
        if (!response.Headers.NonValidated.TryGetValues("Link", out var values))
            return null;
        foreach (var value in values)
        {
            var (open, close) = (value.IndexOf('<', StringComparison.Ordinal), value.IndexOf('>', StringComparison.Ordinal));
            if (open < 0 || close < open || !IsNext(value[(close + 1)..]))
                continue;
            if (Uri.TryCreate(page, value[(open + 1)..close], out var next) && next.Scheme is "http" or "https")
                return new Uri(page, next.PathAndQuery);
        }
        return null;
    }

    private static bool IsNext(string parameters) => parameters.Split(';', StringSplitOptions.TrimEntries)
        .Select(p => p.Replace("\"", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal))
        .Any(p => p.Equals("rel=next", StringComparison.OrdinalIgnoreCase));
}
