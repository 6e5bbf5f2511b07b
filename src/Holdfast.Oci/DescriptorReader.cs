using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Holdfast.Oci;

/// <summary>Reads a descriptor (image-spec v1.1, descriptor.md). Members it does not know are ignored, whatever they hold.</summary>
internal static class DescriptorReader
{
    /// <summary>Characters: a type and a subtype of 127 each and the slash (RFC 6838, section 4.2).</summary>
    private const int MaxMediaTypeLength = 255;

    private static readonly string[] Known = ["mediaType", "digest", "size"];

    /// <param name="problem">What is wrong, to be put right after the descriptor's own place: <c>.digest is missing</c>.</param>
    public static bool TryRead(JsonElement element, [NotNullWhen(true)] out Descriptor? descriptor, [NotNullWhen(false)] out string? problem)
    {
        descriptor = null;
        if (element.ValueKind != JsonValueKind.Object)
            return Refuse(out problem, " is not an object, but has to be a descriptor");
        var mediaType = "";
        Digest digest = default;
        long? size = null;
        foreach (var member in element.EnumerateObject())
        {
            if (!TryRead(member, ref mediaType, ref digest, ref size, out problem))
                return false;
        }
        if (digest.IsNone)
            return Refuse(out problem, ".digest is missing");
        if (size is null)
            return Refuse(out problem, ".size is missing");
        descriptor = new Descriptor(mediaType, digest, size.Value);
        problem = null;
        return true;
    }

    /// <summary>Reads a media type; what is not printable ASCII is none, and would do harm in headers and logs.</summary>
    public static bool TryReadMediaType(JsonElement value, out string mediaType)
    {
        mediaType = "";
        if (!TryReadText(value, out var text) || text.Length > MaxMediaTypeLength || text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return false;
        mediaType = text;
        return true;
    }

    public static string ExplainMediaType(string place) =>
        $"{place} is not a media type: a string of at most {MaxMediaTypeLength} printable ASCII characters";

    private static bool TryRead(
        JsonProperty member, ref string mediaType, ref Digest digest, ref long? size, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        switch (member.Name)
        {
            case "mediaType":
                return TryReadMediaType(member.Value, out mediaType) || Refuse(out problem, ExplainMediaType(".mediaType"));
            case "digest":
                return TryReadDigest(member.Value, out digest, out problem);
            case "size":
                // No fraction and no exponent, though JSON calls 1e3 a number too: the specification says int64, and so do the clients.
                size = member.Value.ValueKind == JsonValueKind.Number && member.Value.TryGetInt64(out var bytes) ? bytes : -1;
                return size >= 0 || Refuse(out problem, ".size is not an integer from 0 to 2^63-1, written without fraction or exponent");
            default:
                return MemberNames.FindLookalike(member.Name, Known) is not { } known
                    || Refuse(out problem, $": {MemberNames.Explain(member.Name, known)}");
        }
    }

    private static bool TryReadDigest(JsonElement value, out Digest digest, [NotNullWhen(false)] out string? problem)
    {
        digest = default;
        problem = null;
        if (!TryReadText(value, out var text))
            return Refuse(out problem, ".digest is not a string");
        return Digest.TryParse(text, out digest)
            || Refuse(out problem, $".digest is {Excerpt.Of(text)}, not sha256: with 64 or sha512: with 128 lower-case hex digits");
    }

    private static bool TryReadText(JsonElement value, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (value.ValueKind != JsonValueKind.String)
            return false;
        try
        {
            text = value.GetString();
        }
        catch (InvalidOperationException)
        {
            // A \u escape that is half of a surrogate pair is legal JSON and no text.
        }
        return text is not null;
    }

    private static bool Refuse(out string? problem, string text)
    {
        problem = text;
        return false;
    }
}
