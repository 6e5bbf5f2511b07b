using System.Globalization;
using Holdfast.Server.Retention;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

public sealed class ScheduleTests
{
    [Theory]
    [InlineData("0 2 * * *", "2026-03-01T01:59:59Z", "2026-03-01T02:00Z")]
    [InlineData("0 2 * * *", "2026-03-01T02:00Z", "2026-03-02T02:00Z")]
    [InlineData("0 2 * * *", "2026-12-31T02:00Z", "2027-01-01T02:00Z")]
    [InlineData("*/15 * * * *", "2026-03-01T01:46Z", "2026-03-01T02:00Z")]
    [InlineData("5-59/15 * * * *", "2026-03-01T01:06Z", "2026-03-01T01:20Z")]
    [InlineData("10,50 9-17 * * *", "2026-03-01T17:50:01Z", "2026-03-02T09:10Z")]
    [InlineData("0 0 29 2 *", "2026-03-01T00:00Z", "2028-02-29T00:00Z")]
    [InlineData("0 0 31 * *", "2026-03-31T00:00Z", "2026-05-31T00:00Z")]
    [InlineData("0 0 * * 0", "2026-03-02T00:00Z", "2026-03-08T00:00Z")]
    [InlineData("0 0 * * 7", "2026-03-02T00:00Z", "2026-03-08T00:00Z")]
    [InlineData("0 0 * * SUN", "2026-03-02T00:00Z", "2026-03-08T00:00Z")]
    [InlineData("0 0 * * mon-fri", "2026-03-06T00:00Z", "2026-03-09T00:00Z")]
    [InlineData("0 0 * * fri-sun", "2026-03-02T00:00Z", "2026-03-06T00:00Z")]
    [InlineData("0 0 * * 5-7", "2026-03-07T00:00Z", "2026-03-08T00:00Z")]
    [InlineData("0 0 * * 7-1", "2026-03-02T00:00Z", "2026-03-08T00:00Z")]
    [InlineData("0 0 * Jan,dec *", "2026-03-02T00:00Z", "2026-12-01T00:00Z")]
    [InlineData("0 0 13 * fri", "2026-03-02T00:00Z", "2026-03-06T00:00Z")]
    [InlineData("0 0 13 * fri", "2026-04-10T00:00Z", "2026-04-13T00:00Z")]
    [InlineData("0 0 */2 * fri", "2026-03-02T00:00Z", "2026-03-13T00:00Z")]
    [InlineData("0 0 30 2 mon", "2026-02-24T00:00Z", "2027-02-01T00:00Z")]
    [InlineData("  0\t2 * * *  ", "2026-03-01T02:00Z", "2026-03-02T02:00Z")]
    public void Next_InUtc_IsWhatCrontabWouldDo(string text, string after, string expected) =>
        Parse(text).Next(Moment(after), TimeZoneInfo.Utc).ShouldBe(Moment(expected));

    // Clocks go from 02:00 to 03:00 on 29 March 2026 and from 03:00 back to 02:00 on 25 October.
    [Theory]
    [InlineData("30 2 * * *", "2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00")]
    [InlineData("30 2 * * *", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00")]
    [InlineData("*/20 * * * *", "2026-03-29T01:40+01:00", "2026-03-29T03:00+02:00")]
    [InlineData("0 3 * * *", "2026-03-29T01:40+01:00", "2026-03-29T03:00+02:00")]
    [InlineData("30 2 * * *", "2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00")]
    [InlineData("30 2 * * *", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00")]
    [InlineData("30 2 * * *", "2026-10-25T02:10+01:00", "2026-10-26T02:30+01:00")]
    [InlineData("*/20 * * * *", "2026-10-25T02:40+02:00", "2026-10-25T03:00+01:00")]
    [InlineData("0 2 * * *", "2026-07-01T12:00Z", "2026-07-02T02:00+02:00")]
    public void Next_WhenClocksChange_RunsOnceAndNeverNot(string text, string after, string expected)
    {
        var next = Parse(text).Next(Moment(after), Zones.Berlin).ShouldNotBeNull();
        next.ShouldBe(Moment(expected));
        next.Offset.ShouldBe(Moment(expected).Offset);
    }

    [Fact]
    public void Next_AfterTheLastYear_IsNone() =>
        Parse("0 2 * * *").Next(DateTimeOffset.MaxValue, TimeZoneInfo.Utc).ShouldBeNull();

    [Theory]
    [InlineData("", "has 0 fields; write five: minute, hour, day of month, month, day of week, as in 0 2 * * *")]
    [InlineData("0 2 * *", "has 4 fields; write five: minute, hour, day of month, month, day of week, as in 0 2 * * *")]
    [InlineData("0 0 2 * * *", "has 6 fields; write five: minute, hour, day of month, month, day of week, as in 0 2 * * *")]
    [InlineData("@daily", "is not understood; write 0 0 * * *")]
    [InlineData("@reboot", "is not understood; write five fields: minute, hour, day of month, month, day of week, as in 0 2 * * *")]
    [InlineData("60 2 * * *", "minute: '60' is not a number from 0 to 59")]
    [InlineData("0 24 * * *", "hour: '24' is not a number from 0 to 23")]
    [InlineData("0 2 0 * *", "day of month: '0' is not a number from 1 to 31")]
    [InlineData("0 2 * 13 *", "month: '13' is not a number from 1 to 12 or jan to dec")]
    [InlineData("0 2 * * 8", "day of week: '8' is not a number from 0 to 7 or sun to sat")]
    [InlineData("0 2 * * ?", "day of week: '?' is not a number from 0 to 7 or sun to sat")]
    [InlineData("0 2 * * monday", "day of week: 'monday' is not a number from 0 to 7 or sun to sat")]
    [InlineData("jan 2 * * *", "minute: 'jan' is not a number from 0 to 59")]
    [InlineData("-1 2 * * *", "minute: a number is missing")]
    [InlineData("1, 2 * * *", "minute: a number is missing")]
    [InlineData("5/15 2 * * *", "minute: '5/15' is a step without a range; write 5-59/15")]
    [InlineData("*/0 2 * * *", "minute: '0' is not a step; write a number from 1, as in */15")]
    [InlineData("*/x 2 * * *", "minute: 'x' is not a step; write a number from 1, as in */15")]
    [InlineData("*/90 2 * * *", "minute: '*/90' goes beyond * with its first step; write 0")]
    [InlineData("30-10 2 * * *", "minute: '30-10' runs backwards; write 30-59,0-10")]
    [InlineData("0 2 * * sat-mon", "day of week: 'sat-mon' runs backwards; write 6,0-1")]
    [InlineData("0 0 30 2 *", "never comes: no such month has such a day")]
    [InlineData("0 0 31 4,jun,9,11 *", "never comes: no such month has such a day")]
    [InlineData("0 0 30 2 */2", "never comes: no such month has such a day")]
    public void TryParse_NotASchedule_SaysWhatToWrite(string text, string expected)
    {
        Schedule.TryParse(text, out _, out var problem).ShouldBeFalse();
        problem.ShouldBe(expected);
    }

    private static Schedule Parse(string text) => Schedule.TryParse(text, out var schedule, out var problem) ? schedule : throw new FormatException(problem);

    private static DateTimeOffset Moment(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
