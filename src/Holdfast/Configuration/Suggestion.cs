namespace Holdfast.Configuration;

/// <summary>Finds what an unknown key was meant to be: a slip in a known name, a known name in another place, or another registry's name.</summary>
internal static class Suggestion
{
    /// <param name="name">The unknown key.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="group">The keys that are known there.</param>
    public static string? For(string name, string path, Group group)
    {
        // What was meant to stand here wins over what stands elsewhere.
        if (NearestName.Find(name, group.Keys.Select(k => k.Name)) is { } here && Schema.At(path) == group)
            return Say(path.Length == 0 ? here : $"{path}.{here}", misplaced: false);
        if (Array.Find(group.Keys, k => k.Foreign.Contains(name, StringComparer.Ordinal)) is { } foreign && Schema.At(path) == group)
            return Say(path.Length == 0 ? foreign.Name : $"{path}.{foreign.Name}", misplaced: false);
        var elsewhere = Schema.Keys
            .SelectMany(k => Spellings(k.Path, k.Key).Select(s => (k.Path, Spelling: s)))
            .ToLookup(k => k.Spelling, k => k.Path, StringComparer.Ordinal);
        if (NearestName.Find(name, elsewhere.Select(e => e.Key)) is not { } near)
            return null;
        var folder = path + ".";
        var best = elsewhere[near].OrderByDescending(p => p.StartsWith(folder, StringComparison.Ordinal)).First();
        return Say(Localise(best, path), misplaced: near == name && best.Split('.')[^1] == name);
    }

    private static string Say(string path, bool misplaced) => misplaced ? $"it belongs elsewhere, as {path}" : $"did you mean {path}?";

    // Inside a registry, the registry that is meant is this one.
    private static string Localise(string found, string path)
    {
        var parts = path.Split('.');
        return parts is ["registries", var registry, ..] ? found.Replace("<name>", registry, StringComparison.Ordinal) : found;
    }

    // size.max is also written maxSize, and people who come from another registry write its names.
    private static IEnumerable<string> Spellings(string path, Key key)
    {
        yield return key.Name;
        foreach (var foreign in key.Foreign)
            yield return foreign;
        var parts = path.Replace("[]", "", StringComparison.Ordinal).Split('.');
        if (parts.Length > 1 && parts[^2] is not "<name>")
        {
            yield return parts[^2] + parts[^1];
            yield return parts[^1] + parts[^2];
        }
    }
}
