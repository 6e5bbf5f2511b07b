using FsCheck;
using FsCheck.Fluent;
using Holdfast.Server.Retention;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

/// <summary>The schedule against a clock that is watched minute by minute.</summary>
public sealed class SchedulePropertyTests
{
    private const int DaysWatched = 9;

    // Moments around which clocks change, and a few at which nothing does.
    private static readonly DateTimeOffset[] Starts =
    [
        At(2026, 3, 29, 0), At(2026, 10, 25, 0), At(2026, 4, 4, 15), At(2026, 10, 3, 15), At(2026, 3, 28, 22), At(2026, 10, 24, 21),
        At(2011, 12, 30, 10), At(2028, 2, 28, 20), At(2026, 12, 31, 20), At(2026, 7, 1, 0),
    ];

    private static readonly Gen<Field> Minutes = Fields(0, 59);
    private static readonly Gen<Field> Hours = Fields(0, 23);
    private static readonly Gen<Field> Days = Fields(1, 31);
    private static readonly Gen<Field> Months = Fields(1, 12);
    private static readonly Gen<Field> Weekdays = Fields(0, 6);

    [Fact]
    public void Next_AnySchedule_IsWhatTheWatchedClockShows()
    {
        var cases = (
            from fields in Gen.CollectToArray([Minutes, Hours, Days, Months, Weekdays])
            from zone in Gen.Elements(Zones.All)
            from start in Gen.Elements(Starts)
            from seconds in Gen.Choose(-2 * 86_400, 2 * 86_400)
            select new Case(fields, zone, start.AddSeconds(seconds))).ToArbitrary();
        var (compared, found) = (0, 0);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3_000), Prop.ForAll(cases, c =>
        {
            if (!Schedule.TryParse(c.Text, out var schedule, out var problem))
                return problem.StartsWith("never", StringComparison.Ordinal);
            var expected = Watch(c);
            var next = schedule.Next(c.After, c.Zone);
            compared++;
            found += expected is null ? 0 : 1;
            return expected is null ? next is null || next > c.After.AddDays(DaysWatched - 1) : next == expected;
        }));
        // Else nothing was looked at.
        found.ShouldBeGreaterThan(compared / 4);
    }

    // Every clock reading that is shown for the first time, or passed over, counts once, at the minute in which that happens.
    private static DateTimeOffset? Watch(Case c)
    {
        var shown = DateTime.MinValue;
        var start = c.After.ToUniversalTime().AddTicks(-(c.After.UtcTicks % TimeSpan.TicksPerMinute)).AddDays(-2);
        for (var moment = start; moment < c.After.AddDays(DaysWatched); moment = moment.AddMinutes(1))
        {
            var wall = moment.UtcDateTime + c.Zone.GetUtcOffset(moment);
            var first = moment == start ? wall : shown.AddMinutes(1);
            for (var reading = first; reading <= wall; reading = reading.AddMinutes(1))
            {
                if (moment > c.After && c.Fits(reading))
                    return moment;
            }

            shown = wall > shown ? wall : shown;
        }

        return null;
    }

    // "*", or numbers, ranges and steps, with the numbers that they mean spelled out beside them.
    private static Gen<Field> Fields(int least, int most)
    {
        var number = Gen.Choose(least, most).Select(n => new Field($"{n}", [n]));
        var range = from a in Gen.Choose(least, most) from b in Gen.Choose(a, most) select new Field($"{a}-{b}", [.. Enumerable.Range(a, b - a + 1)]);
        var stepped = from a in Gen.Choose(least, most - 2)
                      from b in Gen.Choose(a + 2, most)
                      from step in Gen.Choose(1, b - a)
                      select new Field($"{a}-{b}/{step}", [.. Enumerable.Range(a, b - a + 1).Where(n => (n - a) % step == 0)]);
        var every = from step in Gen.Choose(1, most - least)
                    select new Field($"*/{step}", [.. Enumerable.Range(least, most - least + 1).Where(n => (n - least) % step == 0)]);
        var list = Gen.OneOf(number, range, stepped).ArrayOf(2).Select(parts =>
            new Field(string.Join(',', parts.Select(p => p.Text)), [.. parts.SelectMany(p => p.Numbers)]));
        var all = Gen.Constant(new Field("*", [.. Enumerable.Range(least, most - least + 1)]));
        return Gen.Frequency((4, all), (2, number), (1, range), (1, stepped), (1, every), (1, list));
    }

    private static DateTimeOffset At(int year, int month, int day, int hour) => new(year, month, day, hour, 0, 0, TimeSpan.Zero);

    private sealed record Field(string Text, int[] Numbers)
    {
        public bool Has(int number) => Array.IndexOf(Numbers, number) >= 0;

        public bool IsRestricted => !Text.Contains('*', StringComparison.Ordinal);
    }

    private sealed record Case(Field[] Fields, TimeZoneInfo Zone, DateTimeOffset After)
    {
        public string Text => string.Join(' ', Fields.Select(f => f.Text));

        public bool Fits(DateTime wall)
        {
            var (day, weekday) = (Fields[2].Has(wall.Day), Fields[4].Has((int)wall.DayOfWeek));
            return Fields[0].Has(wall.Minute) && Fields[1].Has(wall.Hour) && Fields[3].Has(wall.Month)
                && (Fields[2].IsRestricted && Fields[4].IsRestricted ? day || weekday : day && weekday);
        }

        public override string ToString() => $"'{Text}' after {After:O} in {Zone.Id}";
    }
}
