using System.Text.Json;

namespace Holdfast.Client;

/// <summary>Reads one item of a list from its JSON.</summary>
/// <returns>Is it one?</returns>
internal delegate bool ItemReader<T>(JsonElement element, out T item);

/// <summary>One page of a list (dist-spec v1.1.1, end-8b, end-12; Docker's _catalog) and where the next one is.</summary>
/// <param name="member">The name of the list in the page: tags.</param>
/// <param name="one">An item in sentences: tag.</param>
internal sealed class ListPage<T>(string member, string one, ItemReader<T> reader)
{
    /// <summary>Bytes; old registries send all tags in one page, whatever was asked for.</summary>
    public const int MaxSizeBytes = 16 << 20;

    /// <summary>Bytes of all pages of one list.</summary>
    public const int MaxTotalBytes = 64 << 20;

    public string One => one;

    /// <returns>A sentence that says what is wrong, or null.</returns>
    public string? ReadInto(ICollection<T> items, ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root || !root.TryGetProperty(member, out var list))
                return $"a page of {one}s that has no member '{member}'";
            // A repository without any tag: so says registry:2.
            if (list.ValueKind == JsonValueKind.Null)
                return null;
            if (list.ValueKind != JsonValueKind.Array)
                return $"a page of {one}s whose member '{member}' is no array";
            foreach (var element in list.EnumerateArray())
            {
                if (!reader(element, out var item))
                    return $"a page of {one}s with '{Failures.Printable(element.ToString())}', which is no {one}";
                items.Add(item);
            }
            return null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return $"a page of {one}s that is no JSON";
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
            {
                // Not by resolving its path: one that begins with two slashes names a host.
                return new UriBuilder(page) { Path = next.AbsolutePath, Query = next.Query }.Uri;
            }
        }
        return null;
    }

    private static bool IsNext(string parameters) => parameters.Split(';', StringSplitOptions.TrimEntries)
        .Select(p => p.Replace("\"", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal))
        .Any(p => p.Equals("rel=next", StringComparison.OrdinalIgnoreCase));
}
