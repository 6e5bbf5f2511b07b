using System.Globalization;

namespace Holdfast.Configuration;

/// <summary>Numbers with a unit: durations (30s) and sizes (50GiB).</summary>
internal static class Quantity
{
    private static readonly Dictionary<string, long> TicksByUnit = new(StringComparer.Ordinal)
    {
        ["ms"] = TimeSpan.TicksPerMillisecond,
        ["s"] = TimeSpan.TicksPerSecond,
        ["m"] = TimeSpan.TicksPerMinute,
        ["h"] = TimeSpan.TicksPerHour,
        ["d"] = TimeSpan.TicksPerDay,
    };

    private static readonly Dictionary<string, long> BytesByUnit = new(StringComparer.Ordinal)
    {
        [""] = 1,
        ["B"] = 1,
        ["KB"] = 1_000,
        ["MB"] = 1_000_000,
        ["GB"] = 1_000_000_000,
        ["TB"] = 1_000_000_000_000,
        ["KiB"] = 1L << 10,
        ["MiB"] = 1L << 20,
        ["GiB"] = 1L << 30,
        ["TiB"] = 1L << 40,
    };

    /// <returns>What is wrong with it, or null and the duration.</returns>
    public static string? ParseDuration(string text, out TimeSpan value)
    {
        var fault = Parse(text, TicksByUnit, "a duration; write a whole number and a unit: 500ms, 30s, 15m, 24h, 90d", out var ticks);
        value = TimeSpan.FromTicks(ticks);
        return fault;
    }

    /// <returns>What is wrong with it, or null and the number of bytes.</returns>
    public static string? ParseSize(string text, out long bytes) =>
        Parse(text, BytesByUnit, "a size; write a whole number of bytes, or one with a unit: 512MiB, 50GiB, 1GB", out bytes);

    /// <returns>What is wrong with it, or null and the number of bytes a second.</returns>
    public static string? ParseRate(string text, out long bytesPerSecond)
    {
        bytesPerSecond = 0;
        const string PerSecond = "/s";
        if (!text.EndsWith(PerSecond, StringComparison.Ordinal))
            return ParseSize(text, out _) is null ? $"{Problems.Quote(text)} is a size, not a rate; write {text}/s" : NotARate(text);
        return ParseSize(text[..^PerSecond.Length], out bytesPerSecond) is null ? null : NotARate(text);
    }

    /// <returns>What is wrong with it, or null and the number.</returns>
    public static string? ParsePercent(string text, out int percent)
    {
        var fine = int.TryParse(text.AsSpan().TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out percent) && percent <= 100;
        if (fine && text.Length - text.AsSpan().TrimEnd('%').Length == 1)
            return null;
        return fine ? $"{Problems.Quote(text)} is not a share; write {percent}%" : $"{Problems.Quote(text)} is not a share; write a whole number from 0% to 100%";
    }

    public static string Format(TimeSpan value)
    {
        foreach (var (unit, ticks) in TicksByUnit.Reverse().Where(u => u.Value <= TimeSpan.TicksPerHour))
        {
            if (value.Ticks % ticks == 0 && value.Ticks >= ticks)
                return (value.Ticks / ticks).ToString(CultureInfo.InvariantCulture) + unit;
        }

        return "0s";
    }

    public static string Format(long bytes)
    {
        foreach (var unit in (ReadOnlySpan<string>)["TiB", "GiB", "MiB", "KiB"])
        {
            if (bytes >= BytesByUnit[unit] && bytes % BytesByUnit[unit] == 0)
                return (bytes / BytesByUnit[unit]).ToString(CultureInfo.InvariantCulture) + unit;
        }

        return bytes.ToString(CultureInfo.InvariantCulture);
    }

    private static string NotARate(string text) =>
        $"{Problems.Quote(text)} is not a rate; write a size and /s: 50MiB/s, 1GB/s";

    private static string? Parse(string text, Dictionary<string, long> units, string what, out long value)
    {
        value = 0;
        if (text.StartsWith('-'))
            return $"{Problems.Quote(text)} is negative";
        var digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits < 0)
            digits = text.Length;
        if (digits == 0 || !units.TryGetValue(text[digits..], out var unit))
            return $"{Problems.Quote(text)} is not {what}";
        if (!long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > long.MaxValue / unit)
        {
            return $"{Problems.Quote(text)} is too large";
        }

        value = number * unit;
        return null;
    }
}
