using System.Globalization;

namespace Holdfast.Server.Http;

/// <summary>Times as people give them: when, or how long ago.</summary>
internal static class Moment
{
    private static readonly string[] Formats =
        ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>What a person may write, for sentences about what isn't it.</summary>
    public const string Forms = "a time (2026-11-20T10:00, UTC) nor how long ago (90m, 2h, 3d)";

    /// <returns>Unix milliseconds; null if it is neither.</returns>
    public static long? Parse(string text, DateTimeOffset now)
    {
        if (DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
            return at.ToUnixTimeMilliseconds();
        var secondsPerUnit = text.Length < 2 ? 0 : text[^1] switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => 0,
        };
        return secondsPerUnit != 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? now.ToUnixTimeMilliseconds() - (1_000L * secondsPerUnit * count)
            : null;
    }
}
