using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>What was meant by settings that registry:2 never had, and yet are found in its files.</summary>
internal static class Hints
{
    private static readonly Dictionary<string, string> Here = new(StringComparer.Ordinal)
    {
        ["storage.filesystem.maxsize"] = "registries.<name>.size.max bounds a cache; disk.reserve keeps room free",
        ["storage.maxsize"] = "registries.<name>.size.max bounds a cache; disk.reserve keeps room free",
        ["proxy.ttl"] = "tags.revalidateAfter says when a cache asks for a tag again, and nothing goes because of its age",
        ["storage.cache.maxsize"] = "limits.manifestCache bounds the memory for manifests",
        ["storage.maintenance.gc"] = "what nothing refers to goes by itself (collection.grace)",
        ["storage.retention"] = "retention has rules for what stays",
    };

    /// <summary>What does here what the setting was written for.</summary>
    public static string HereFor(string key) => Here.TryGetValue(key, out var hint) ? $". Here: {hint}" : "";

    /// <returns>A known name in the same mapping that shares its beginning or its end with a name that isn't known.</returns>
    public static string? SettingFor(string name, SettingTree tree)
    {
        var folded = NearestName.Fold(name);
        return folded.Length < 4
            ? null
            : tree.Names.FirstOrDefault(known => known.Length >= 3 && (folded.Contains(known, StringComparison.Ordinal) || known.Contains(folded, StringComparison.Ordinal)))
                ?? tree.Names.FirstOrDefault(known => known.Length > 3 && folded.AsSpan().CommonPrefixLength(known) >= 3);
    }
}
