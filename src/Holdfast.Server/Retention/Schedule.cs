using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Holdfast.Server.Retention;

/// <summary>
/// When something runs by itself: the five fields of crontab(5), "minute hour day-of-month month day-of-week". It is our own because the
/// schedules that a registry's users have are crontab's, and the libraries within reach speak other dialects (six or seven fields with seconds
/// and years, ? for "any", Sunday as 1): the same text would run at other times, or never.
/// </summary>
public sealed class Schedule
{
    // An offset from UTC is at most 14 hours, and a change of it moves a clock by at most a day.
    private static readonly TimeSpan Around = TimeSpan.FromHours(26);

    private readonly string _text;
    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _days;
    private readonly ulong _months;
    private readonly ulong _weekdays;

    // crontab(5): if both fields of the day are restricted (hold no *), a day that fits either is a day; else it must fit both.
    private readonly bool _eitherDay;

    private Schedule(string text, ulong[] bits, bool eitherDay)
    {
        _text = text;
        (_minutes, _hours, _days, _months, _weekdays) = (bits[0], bits[1], bits[2], bits[3], bits[4]);
        _eitherDay = eitherDay;
    }

    /// <param name="problem">What is wrong; a schedule that never comes is wrong too.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Schedule? schedule, [NotNullWhen(false)] out string? problem)
    {
        schedule = null;
        var fields = text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (text.StartsWith('@'))
        {
            problem = Nickname(text);
            return false;
        }

        if (fields.Length != ScheduleField.All.Length)
        {
            problem = $"has {fields.Length} field{(fields.Length == 1 ? "" : "s")}; write five: minute, hour, day of month, month, day of week, as in 0 2 * * *";
            return false;
        }

        var bits = new ulong[fields.Length];
        for (var i = 0; i < fields.Length; i++)
        {
            problem = ScheduleField.All[i].Parse(fields[i], out bits[i]);
            if (problem is not null)
                return false;
        }

        var eitherDay = !fields[2].Contains('*', StringComparison.Ordinal) && !fields[4].Contains('*', StringComparison.Ordinal);
        problem = !eitherDay && !Comes(bits[2], bits[3]) ? "never comes: no such month has such a day" : null;
        if (problem is not null)
            return false;
        schedule = new Schedule(string.Join(' ', fields), bits, eitherDay);
        return true;
    }

    /// <summary>The first run after a moment, by the clocks of a zone.</summary>
    /// <returns>
    /// A whole minute. A time that clocks pass over (daylight saving begins) runs at the first moment after the gap; one that they show twice
    /// runs the first time. Null if the calendar ends first.
    /// </returns>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        var wall = TimeZoneInfo.ConvertTime(after, zone).DateTime;
        // Clocks never run ahead of their first showing: no earlier wall time than this one runs later than this moment.
        for (var next = AtOrAfter(wall.AddTicks(-(wall.Ticks % TimeSpan.TicksPerMinute))); next is { } time; next = AtOrAfter(time.AddMinutes(1)))
        {
            if (time > DateTime.MaxValue - Around)
                return null;
            if (First(time, zone) is var moment && moment > after)
                return TimeZoneInfo.ConvertTime(moment, zone);
        }

        return null;
    }

    public override string ToString() => _text;

    private static string Nickname(string text) => text switch
    {
        "@hourly" => "is not understood; write 0 * * * *",
        "@daily" or "@midnight" => "is not understood; write 0 0 * * *",
        "@weekly" => "is not understood; write 0 0 * * 0",
        "@monthly" => "is not understood; write 0 0 1 * *",
        "@yearly" or "@annually" => "is not understood; write 0 0 1 1 *",
        _ => "is not understood; write five fields: minute, hour, day of month, month, day of week, as in 0 2 * * *",
    };

    private static bool Comes(ulong days, ulong months)
    {
        var first = BitOperations.TrailingZeroCount(days);
        for (var month = 1; month <= 12; month++)
        {
            // 2000 has the longest February.
            if (Has(months, month) && first <= DateTime.DaysInMonth(2000, month))
                return true;
        }

        return false;
    }

    // The moment at which clocks first show a time, or the first after it if they never do. Found from offsets alone, since a zone may also
    // change its clocks without daylight saving, and by any amount.
    private static DateTimeOffset First(DateTime wall, TimeZoneInfo zone)
    {
        var utc = new DateTimeOffset(wall, TimeSpan.Zero);
        var (before, later) = (zone.GetUtcOffset(utc - Around), zone.GetUtcOffset(utc + Around));
        var (one, other) = (utc - before, utc - later);
        if (zone.GetUtcOffset(one) == before && (before >= later || zone.GetUtcOffset(other) != later))
            return one;
        return zone.GetUtcOffset(other) == later ? other : Change(other, one, before, zone);
    }

    // The first minute whose offset is no longer the one before.
    private static DateTimeOffset Change(DateTimeOffset from, DateTimeOffset to, TimeSpan before, TimeZoneInfo zone)
    {
        var (low, high) = (0L, (long)(to - from).TotalMinutes);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (zone.GetUtcOffset(from.AddMinutes(middle)) == before)
                low = middle + 1;
            else
                high = middle;
        }

        return from.AddMinutes(low);
    }

    private static bool Has(ulong bits, int number) => (bits & (1UL << number)) != 0;

    // The least number from a place on, or -1.
    private static int From(ulong bits, int number)
    {
        var rest = number > 63 ? 0 : bits >> number << number;
        return rest == 0 ? -1 : BitOperations.TrailingZeroCount(rest);
    }

    private bool IsDay(DateTime date)
    {
        var (day, weekday) = (Has(_days, date.Day), Has(_weekdays, (int)date.DayOfWeek));
        return _eitherDay ? day || weekday : day && weekday;
    }

    private DateTime? AtOrAfter(DateTime wall)
    {
        var date = wall.Date;
        while (date < DateTime.MaxValue.Date.AddDays(-31))
        {
            if (!Has(_months, date.Month))
                date = new DateTime(date.Year, date.Month, 1, 0, 0, 0, DateTimeKind.Unspecified).AddMonths(1);
            else if (IsDay(date) && TimeOn(date, wall) is { } time)
                return time;
            else
                date = date.AddDays(1);
        }

        return null;
    }

    private DateTime? TimeOn(DateTime date, DateTime wall)
    {
        var start = date == wall.Date ? wall.TimeOfDay : TimeSpan.Zero;
        var hour = From(_hours, start.Hours);
        var minute = From(_minutes, hour == start.Hours ? start.Minutes : 0);
        if (hour >= 0 && minute < 0)
        {
            hour = From(_hours, hour + 1);
            minute = From(_minutes, 0);
        }

        return hour < 0 ? null : date.AddHours(hour).AddMinutes(minute);
    }
}
