using System.Globalization;

namespace Holdfast.Server.Http;

/// <summary>The part of a blob that a <c>Range</c> header asks for (RFC 9110, section 14).</summary>
/// <param name="First">Offset of the first byte.</param>
/// <param name="Last">Offset of the last byte, included.</param>
internal readonly record struct ByteRange(long First, long Last)
{
    public long LengthBytes => Last - First + 1;

    /// <summary>
    /// Reads a Range header. A unit other than bytes is no range for us and is passed over, as RFC 9110 asks; several ranges at once,
    /// a broken range, or one that starts at or after the end can't be satisfied.
    /// </summary>
    public static RangeAnswer Parse(string? header, long sizeBytes, out ByteRange range)
    {
        range = default;
        if (header is null || !header.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            return RangeAnswer.Whole;
        var spec = header.AsSpan("bytes=".Length).Trim();
        var dash = spec.IndexOf('-');
        if (dash < 0 || spec.Contains(','))
            return RangeAnswer.NotSatisfiable;
        var first = spec[..dash];
        var last = spec[(dash + 1)..];

        if (first.IsEmpty)
        {
            if (!TryParse(last, out var suffix) || suffix == 0 || sizeBytes == 0)
                return RangeAnswer.NotSatisfiable;
            range = new ByteRange(Math.Max(0, sizeBytes - suffix), sizeBytes - 1);
            return RangeAnswer.Part;
        }
        var end = sizeBytes - 1;
        if (!TryParse(first, out var start) || (!last.IsEmpty && !TryParse(last, out end)) || start >= sizeBytes || end < start)
            return RangeAnswer.NotSatisfiable;
        range = new ByteRange(start, Math.Min(end, sizeBytes - 1));
        return RangeAnswer.Part;
    }

    // Digits only; more of them than a long holds is simply past every end.
    private static bool TryParse(ReadOnlySpan<char> digits, out long value)
    {
        value = long.MaxValue;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
            return false;
        if (digits.Length <= 18)
            value = long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        return true;
    }
}

internal enum RangeAnswer
{
    Whole,
    Part,
    NotSatisfiable,
}
