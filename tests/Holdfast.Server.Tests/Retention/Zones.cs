namespace Holdfast.Server.Tests.Retention;

/// <summary>Zones as they are somewhere, made here so that no test depends on the machine's zone files.</summary>
internal static class Zones
{
    /// <summary>Clocks change by an hour, at 01:00 UTC on the last Sundays of March and October.</summary>
    public static readonly TimeZoneInfo Berlin = Make("Berlin", 1, TimeSpan.FromHours(1), (3, 5, 2), (10, 5, 3));

    /// <summary>Half an hour, and summer lies across the new year.</summary>
    public static readonly TimeZoneInfo LordHowe = Make("Lord Howe", 10.5, TimeSpan.FromMinutes(30), (10, 1, 2), (4, 1, 2));

    /// <summary>At midnight: a day without 00:00.</summary>
    public static readonly TimeZoneInfo Beirut = Make("Beirut", 2, TimeSpan.FromHours(1), (3, 5, 0), (10, 5, 0));

    /// <summary>On 30 December 2011 the date line moved: a whole day never was.</summary>
    public static readonly TimeZoneInfo Apia = TimeZoneInfo.CreateCustomTimeZone("Apia", TimeSpan.FromHours(13), "", "", "",
    [
        TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(
            DateTime.MinValue.Date, new DateTime(2011, 12, 29), TimeSpan.Zero, Fixed(1, 1), Fixed(12, 29), TimeSpan.FromHours(-24)),
    ]);

    public static readonly TimeZoneInfo[] All = [TimeZoneInfo.Utc, Berlin, LordHowe, Beirut, Apia];

    private static TimeZoneInfo Make(
        string name, double hours, TimeSpan summer, (int Month, int Week, int Hour) begins, (int Month, int Week, int Hour) ends) =>
        TimeZoneInfo.CreateCustomTimeZone(name, TimeSpan.FromHours(hours), "", "", "",
        [
            TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(DateTime.MinValue.Date, DateTime.MaxValue.Date, summer, Sunday(begins), Sunday(ends)),
        ]);

    private static TimeZoneInfo.TransitionTime Sunday((int Month, int Week, int Hour) at) =>
        TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, at.Hour, 0, 0), at.Month, at.Week, DayOfWeek.Sunday);

    private static TimeZoneInfo.TransitionTime Fixed(int month, int day) =>
        TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1), month, day);
}
