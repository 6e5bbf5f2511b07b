using System.Text;

namespace Holdfast.Oci;

/// <summary>A client's own text, fit to be put into an error's sentence.</summary>
internal static class Excerpt
{
    /// <summary>Characters; enough for a sha256 digest with a few too many, too few for an error to become a payload of its own.</summary>
    private const int MaxLength = 80;

    /// <summary>The text in quotes, cut to <see cref="MaxLength"/>, with everything but printable ASCII written as an escape.</summary>
    public static string Of(string text)
    {
        var excerpt = new StringBuilder(MaxLength + 3).Append('\'');
        foreach (var c in text)
        {
            var shown = c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:x4}";
            if (excerpt.Length + shown.Length > MaxLength)
                return excerpt.Append("…'").ToString();
            excerpt.Append(shown);
        }
        return excerpt.Append('\'').ToString();
    }
}
