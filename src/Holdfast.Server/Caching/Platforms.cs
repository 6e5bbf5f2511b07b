using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Server.Caching;

/// <summary>Chooses the children of an index by their platform (image-spec v1.1, image-index.md).</summary>
/// <param name="wanted">os/architecture[/variant]; one without a variant fits every variant. None: every child.</param>
internal sealed class Platforms(IReadOnlyList<string> wanted)
{
    /// <param name="payload">A manifest that was parsed before.</param>
    /// <returns>Manifests: those of the platforms, and those that name none.</returns>
    public IReadOnlyList<Digest> ChildrenOf(ReadOnlyMemory<byte> payload)
    {
        using var document = JsonDocument.Parse(payload);
        if (!document.RootElement.TryGetProperty("manifests", out var children) || children.ValueKind != JsonValueKind.Array)
            return [];
        var chosen = new List<Digest>();
        foreach (var child in children.EnumerateArray())
        {
            if (IsManifest(child) && Fits(child) && child.TryGetProperty("digest", out var text) && Digest.TryParse(text.GetString(), out var digest))
                chosen.Add(digest);
        }
        return chosen;
    }

    /// <summary>An index may list blobs, as build caches do.</summary>
    public static bool IsManifest(JsonElement child) => Text(child, "mediaType") is var type && (type.Length == 0 || MediaTypes.IsManifest(type));

    private bool Fits(JsonElement child)
    {
        if (wanted.Count == 0 || !child.TryGetProperty("platform", out var platform) || platform.ValueKind != JsonValueKind.Object)
            return true;
        var name = $"{Text(platform, "os")}/{Text(platform, "architecture")}";
        var variant = Text(platform, "variant");
        return wanted.Any(one => one == name || (variant.Length > 0 && one == $"{name}/{variant}"));
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
