using System.Buffers;
using System.Globalization;

namespace Holdfast.Registry2;

/// <summary>Values as the reader of registry:2 takes them: YAML 1.1's words for yes and no, and Go's durations.</summary>
internal static class GoValue
{
    // All small, all capital, or one capital at the start: no other mixture.
    private static readonly string[] Yes = ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"];
    private static readonly string[] No = ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"];
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    // Longer units first: "ms" ends with an s, too.
    private static readonly (string Unit, decimal Ticks)[] Units =
    [
        ("ns", 0.01m), ("us", 10m), ("µs", 10m), ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour),
    ];

    /// <returns>Null if it is neither.</returns>
    public static bool? Boolean(string text) =>
        Yes.Contains(text, StringComparer.Ordinal) ? true : No.Contains(text, StringComparer.Ordinal) ? false : null;

    /// <summary>As Go writes durations, such as 1h30m; a number alone is nanoseconds.</summary>
    public static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var nanoseconds))
        {
            duration = TimeSpan.FromTicks(nanoseconds / 100);
            return true;
        }

        var rest = text.AsSpan().TrimStart('+');
        decimal ticks = 0;
        while (rest.Length > 0)
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            if (digits is <= 0 or > 12 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            rest = rest[digits..];
            var unit = UnitOf(rest);
            if (unit.Unit is null)
                return false;
            rest = rest[unit.Unit.Length..];
            ticks += number * unit.Ticks;
        }

        if (text.Length == 0 || ticks > long.MaxValue / 2)
            return false;
        duration = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    private static (string? Unit, decimal Ticks) UnitOf(ReadOnlySpan<char> text)
    {
        foreach (var unit in Units)
        {
            // An m may begin minutes or milliseconds; the order of the units decides.
            if (text.StartsWith(unit.Unit, StringComparison.Ordinal))
                return unit;
        }

        return (null, 0);
    }
}
