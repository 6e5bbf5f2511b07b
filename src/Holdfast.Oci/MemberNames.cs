namespace Holdfast.Oci;

/// <summary>
/// Names that are a known name to some readers and unknown to others. Go's JSON package ignores case, and folds two letters outside of ASCII
/// too, so that <c>Layers</c> would be nothing here (and held by nobody) but layers to most clients.
/// </summary>
internal static class MemberNames
{
    /// <returns>The known name that a reader which ignores case would take <paramref name="name"/> for, or null.</returns>
    public static string? FindLookalike(string name, ReadOnlySpan<string> known)
    {
        // U+017F is a long s, U+212A the sign for kelvin; each is one character, as is what it folds to.
        var folded = name.Replace('\u017F', 's').Replace('\u212A', 'k');
        foreach (var candidate in known)
        {
            if (candidate.Length == name.Length && candidate.Equals(folded, StringComparison.OrdinalIgnoreCase))
                return candidate;
        }
        return null;
    }

    public static string Explain(string name, string known) =>
        $"{Excerpt.Of(name)} differs from '{known}' only in case, so that some clients would read it as that and others would not";
}
