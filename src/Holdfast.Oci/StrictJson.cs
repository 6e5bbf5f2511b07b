using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace Holdfast.Oci;

/// <summary>Opens JSON of which every reader must see the same: RFC 8259 without a byte order mark, without repeated members, not nested deeply.</summary>
internal static class StrictJson
{
    /// <summary>
    /// Levels of objects and arrays. A manifest needs four (<c>manifests[].platform.os.features[]</c>); 64 leaves room for extensions, keeps the
    /// recursion here harmless, and is what common readers accept.
    /// </summary>
    public const int MaxDepth = 64;

    // Below this many members, comparing each with each is quicker than a hash set and allocates nothing but the names.
    private const int FewMembers = 12;

    public static bool TryParse(
        ReadOnlyMemory<byte> payload, [NotNullWhen(true)] out JsonDocument? document, [NotNullWhen(false)] out string? problem)
    {
        document = null;
        problem = FindTextProblem(payload.Span);
        if (problem is not null)
            return false;
        try
        {
            document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = MaxDepth });
            problem = FindRepeat(document.RootElement) is { } place ? $"{Excerpt.Of(place)} is there twice in the same object" : null;
            if (problem is null)
                return true;
        }
        catch (JsonException e)
        {
            problem = Diagnose(payload.Span, e);
        }
        catch (InvalidOperationException)
        {
            // The only way to get here: a \u escape in a name that is half of a surrogate pair, which the framework can't turn into text.
            problem = "a member's name holds a \\u escape that is no character";
        }
        document?.Dispose();
        document = null;
        return false;
    }

    private static string? FindTextProblem(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty)
            return "the body is empty";
        if (payload.StartsWith("\uFEFF"u8))
            return "it begins with a byte order mark, which JSON does not allow";
        return Utf8.IsValid(payload) ? null : "it is not valid UTF-8";
    }

    // Reads again, this time without a limit (the reader keeps one bit per level and does not recurse), to tell the reasons apart.
    private static string Diagnose(ReadOnlySpan<byte> payload, JsonException parseError)
    {
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= MaxDepth)
                    return $"it nests deeper than {MaxDepth} levels";
            }
        }
        catch (JsonException)
        {
            if (reader.CurrentDepth == 0 && reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                return $"something follows the end of the JSON value, after byte {reader.BytesConsumed}";
        }
        return $"it is not JSON: line {parseError.LineNumber + 1}, byte {parseError.BytePositionInLine + 1}";
    }

    /// <returns>The place of the first member whose name its object already has, such as <c>layers[3].digest</c>, or null.</returns>
    private static string? FindRepeat(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => FindRepeatIn(element),
        JsonValueKind.Array => FindRepeatInItems(element),
        _ => null,
    };

    private static string? FindRepeatInItems(JsonElement array)
    {
        var index = 0;
        foreach (var item in array.EnumerateArray())
        {
            if (FindRepeat(item) is { } place)
                return place.StartsWith('[') ? $"[{index}]{place}" : $"[{index}].{place}";
            index++;
        }
        return null;
    }

    private static string? FindRepeatIn(JsonElement element)
    {
        var count = element.GetPropertyCount();
        var many = count > FewMembers ? new HashSet<string>(count, StringComparer.Ordinal) : null;
        var few = many is null ? new List<string>(count) : null;
        foreach (var member in element.EnumerateObject())
        {
            var name = member.Name;
            if (many is null ? few!.Contains(name) : !many.Add(name))
                return Shorten(name);
            few?.Add(name);
            if (FindRepeat(member.Value) is { } place)
                return place.StartsWith('[') ? $"{Shorten(name)}{place}" : $"{Shorten(name)}.{place}";
        }
        return null;
    }

    // A name may be as long as the whole body, and is copied once for each level that it lies deep.
    private static string Shorten(string name) => name.Length <= 40 ? name : name[..40] + "…";
}
