using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>
/// Reads descriptors of other registries: as leniently as clients that pull do, since what is asked is whether they could, not whether we would have taken it.
/// </summary>
internal static class DescriptorText
{
    /// <param name="problem">What is wrong, to be put right after the descriptor's own place.</param>
    public static bool TryRead(JsonElement element, [NotNullWhen(true)] out Descriptor? descriptor, [NotNullWhen(false)] out string? problem)
    {
        descriptor = null;
        problem = null;
        if (element.ValueKind != JsonValueKind.Object)
            problem = " is no descriptor";
        else if (!Digest.TryParse(Text(element, "digest"), out var digest))
            problem = $".digest is '{Text(element, "digest")}', which is no digest";
        else if (!element.TryGetProperty("size", out var size) || size.ValueKind != JsonValueKind.Number || !size.TryGetInt64(out var bytes) || bytes < 0)
            problem = ".size is no number of bytes";
        else
            descriptor = new Descriptor(MediaType(element), digest, bytes);
        return problem is null;
    }

    // One string for the types that thousands of descriptors share, as far as this program names them.
    private static string MediaType(JsonElement element)
    {
        var text = Text(element, "mediaType");
        return string.IsInterned(text) ?? text;
    }

    /// <summary>A member's text, fit for a terminal; empty if it has none.</summary>
    public static string Text(JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String)
            return "";
        try
        {
            return Failures.Printable(value.GetString()!);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair: legal JSON and no text.
            return "";
        }
    }
}
