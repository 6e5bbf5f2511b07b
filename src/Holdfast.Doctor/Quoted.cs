using System.Text;

namespace Holdfast.Doctor;

/// <summary>Text from somebody else's disk, fit to stand in a sentence on a terminal.</summary>
internal static class Quoted
{
    private const int MaxLength = 120;

    /// <summary>In quotes, cut, with everything but printable ASCII written as an escape.</summary>
    public static string Of(string text) => $"'{Plain(text)}'";

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
