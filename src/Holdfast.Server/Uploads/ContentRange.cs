using System.Globalization;

namespace Holdfast.Server.Uploads;

/// <summary>A chunk's <c>Content-Range: first-last</c>, both included (dist-spec v1.1.1, end-5). Some clients write <c>bytes first-last/*</c>.</summary>
internal readonly record struct ContentRange(long First, long Last)
{
    public long LengthBytes => Last - First + 1;

    public static bool TryParse(string header, out ContentRange range)
    {
        range = default;
        var text = header.AsSpan().Trim();
        if (text.StartsWith("bytes ", StringComparison.OrdinalIgnoreCase))
        {
            text = text[6..];
            var slash = text.IndexOf('/');
            text = slash < 0 ? text : text[..slash];
        }
        var dash = text.IndexOf('-');
        if (dash < 0 || !TryParse(text[..dash], out var first) || !TryParse(text[(dash + 1)..], out var last) || last < first)
            return false;
        range = new ContentRange(first, last);
        return true;
    }

    private static bool TryParse(ReadOnlySpan<char> digits, out long value)
    {
        value = 0;
        return digits.Length <= 18 && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
