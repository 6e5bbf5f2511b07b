using System.Globalization;

namespace Holdfast.Server.Retention;

/// <summary>One of the five fields of a schedule: which of its numbers it names.</summary>
/// <param name="Name">As problems call it.</param>
/// <param name="Names">Words for the numbers from <paramref name="Least"/> on; empty if it has none.</param>
internal sealed record ScheduleField(string Name, int Least, int Most, params string[] Names)
{
    /// <summary>In the order in which they are written. 7 is Sunday as well as 0.</summary>
    public static readonly ScheduleField[] All =
    [
        new("minute", 0, 59),
        new("hour", 0, 23),
        new("day of month", 1, 31),
        new("month", 1, 12, "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        new("day of week", 0, 7, "sun", "mon", "tue", "wed", "thu", "fri", "sat"),
    ];

    /// <param name="bits">Bit n is set if the field names n.</param>
    /// <returns>What is wrong, or null.</returns>
    public string? Parse(string text, out ulong bits)
    {
        bits = 0;
        foreach (var part in text.Split(','))
        {
            if (Add(part, ref bits) is { } problem)
                return $"{Name}: {problem}";
        }

        if (Most == 7 && (bits & (1 << 7)) != 0)
            bits = (bits | 1) & ~(1UL << 7);
        return null;
    }

    private string? Add(string part, ref ulong bits)
    {
        var slash = part.IndexOf('/', StringComparison.Ordinal);
        var range = slash < 0 ? part : part[..slash];
        if (Bounds(range, out var first, out var last) is { } problem)
            return problem;
        var step = 1;
        if (slash >= 0)
        {
            if (range != "*" && !range.Contains('-', StringComparison.Ordinal))
                return $"'{part}' is a step without a range; write {range}-{LastNumber}/{part[(slash + 1)..]}";
            if (!Number(part[(slash + 1)..], out step) || step == 0)
                return $"'{part[(slash + 1)..]}' is not a step; write a number from 1, as in */15";
            if (step > last - first)
                return $"'{part}' goes beyond {range} with its first step; write {first}";
        }

        for (var n = first; n <= last; n += step)
            bits |= 1UL << n;
        return null;
    }

    private string? Bounds(string range, out int first, out int last)
    {
        (first, last) = (Least, LastNumber);
        if (range == "*")
            return null;
        var dash = range.IndexOf('-', StringComparison.Ordinal);
        if (Value(dash < 0 ? range : range[..dash], out first) is { } problem)
            return problem;
        last = first;
        if (dash < 0)
            return null;
        if (Value(range[(dash + 1)..], out last) is { } other)
            return other;
        // fri-sun and 7-2: Sunday is the last day at the end of a range, the first at its start.
        if (Most == 7 && last == 0 && first > 0)
            last = 7;
        if (first == 7 && last < 7)
            first = 0;
        return last < first ? $"'{range}' runs backwards; write {Span(first, LastNumber)},{Span(Least, last)}" : null;
    }

    private int LastNumber => Most == 7 ? 6 : Most;

    private string? Value(string text, out int value)
    {
        var word = Array.FindIndex(Names, n => n.Equals(text, StringComparison.OrdinalIgnoreCase));
        value = Least + word;
        if (word >= 0)
            return null;
        if (text.Length == 0)
            return "a number is missing";
        return Number(text, out value) && value >= Least && value <= Most
            ? null
            : $"'{Short(text)}' is not a number from {Least} to {Most}{(Names.Length > 0 ? $" or {Names[0]} to {Names[^1]}" : "")}";
    }

    private static string Span(int first, int last) => first == last ? $"{first}" : $"{first}-{last}";

    private static bool Number(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value < 100;

    private static string Short(string text) => text.Length > 20 ? text[..20] + "…" : text;
}
