using System.Globalization;

namespace Holdfast.Drill.Commands;

/// <summary>Sizes in bytes (KiB and KB are different things here) and durations, as typed and as printed.</summary>
internal static class Quantity
{
    private static readonly (string Suffix, double Factor)[] Sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1), ("", 1),
    ];

    private static readonly (string Suffix, double Seconds)[] Durations = [("ms", 0.001), ("s", 1), ("m", 60)];

    public static bool TryParseSize(string text, out long bytes)
    {
        var parsed = TryParse(text, Sizes, out var value);
        bytes = (long)value;
        return parsed && bytes > 0;
    }

    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        var parsed = TryParse(text, Durations, out var seconds);
        duration = parsed ? TimeSpan.FromSeconds(seconds) : TimeSpan.Zero;
        return parsed;
    }

    public static string FormatSize(double bytes) => bytes switch
    {
        >= 1L << 30 => Invariant($"{bytes / (1L << 30):0.##} GiB"),
        >= 1L << 20 => Invariant($"{bytes / (1L << 20):0.##} MiB"),
        >= 1L << 10 => Invariant($"{bytes / (1L << 10):0.##} KiB"),
        _ => Invariant($"{bytes:0} B"),
    };

    private static bool TryParse(string text, (string Suffix, double Factor)[] units, out double value)
    {
        foreach (var (suffix, factor) in units)
        {
            if (text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value))
            {
                value *= factor;
                return value < long.MaxValue / 2d;
            }
        }

        value = 0;
        return false;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
