using System.Globalization;
using System.Text;

namespace Holdfast.Doctor;

/// <summary>Text from somebody else's disk, fit to stand in a sentence on a terminal.</summary>
internal static class Quoted
{
    private const int MaxLength = 120;

    /// <summary>In quotes, cut, with everything but printable ASCII written as an escape.</summary>
    public static string Of(string text) => $"'{Plain(text)}'";

    /// <summary>Uncut, with only that escaped which a terminal obeys or nobody can see; other alphabets stay.</summary>
    public static string Harmless(string text)
    {
        if (!text.Any(IsHarmful))
            return text;
        var shown = new StringBuilder();
        foreach (var c in text)
            shown.Append(IsHarmful(c) ? $"\\u{(int)c:x4}" : c.ToString());
        return shown.ToString();
    }

    // Pairs of surrogates can be invisible, too, and are no letters of folders that anybody names.
    private static bool IsHarmful(char c) => char.GetUnicodeCategory(c) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    /// <summary>As <see cref="Of"/>, without the quotes.</summary>
    public static string Plain(string text)
    {
        var shown = new StringBuilder();
        foreach (var c in text)
        {
            if (shown.Length >= MaxLength)
                return shown.Append('…').ToString();
            shown.Append(c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:x4}");
        }
        return shown.ToString();
    }
}
