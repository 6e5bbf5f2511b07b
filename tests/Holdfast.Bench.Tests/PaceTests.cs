using Holdfast.Bench.Measure;
using Holdfast.Bench.Loops;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class PaceTests
{
    private static readonly long Second = Ticks.FromSeconds(1);

    [Fact]
    public void TryTake_OpenLoopAfterAStall_GivesTheTimesThatWereMissed()
    {
        var pace = new Pace(begin: 0, TimeSpan.FromSeconds(10), requests: null, rate: 4);

        pace.TryTake(Second, out var first).ShouldBe(true);
        pace.TryTake(Second, out var second).ShouldBe(true);

        first.ShouldBe(0);
        second.ShouldBe(Second / 4);
    }

    [Fact]
    public void TryTake_OpenLoopAheadOfTime_SaysWhen()
    {
        var pace = new Pace(begin: Second, TimeSpan.FromSeconds(10), requests: null, rate: 2);
        pace.TryTake(Second, out _).ShouldBe(true);

        pace.TryTake(Second, out var due).ShouldBe(false);
        due.ShouldBe(Second * 3 / 2);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(5.0)]
    public void TryTake_Counted_EndsAfterThatMany(double? rate)
    {
        var pace = new Pace(begin: 0, TimeSpan.FromSeconds(1), requests: 3, rate);

        Enumerable.Range(0, 5).Select(_ => pace.TryTake(Second * 2, out var _)).ShouldBe([true, true, true, null, null]);
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData(5.0, 10)]
    public void TryTake_Timed_EndsAtTheDeadline(double? rate, int overdue)
    {
        var pace = new Pace(begin: 0, TimeSpan.FromSeconds(2), requests: null, rate);

        // What was due before the deadline is still owed; nothing after it.
        for (var i = 0; i < overdue; i++)
            pace.TryTake(Second * 2, out _).ShouldBe(true);
        pace.TryTake(Second * 2, out _).ShouldBeNull();
    }

    [Fact]
    public void TryTake_OpenLoopThatIsNeverCaughtUp_GivesUpAndCountsWhatIsOwed()
    {
        var pace = new Pace(begin: 0, TimeSpan.FromSeconds(2), requests: null, rate: 5);
        pace.TryTake(Second * 4, out _).ShouldBe(true);

        pace.TryTake(Second * 5, out _).ShouldBeNull();
        pace.Unsent.ShouldBe(9);
    }

    [Fact]
    public void TryTake_AfterAWarmUpThatWasNotCaughtUp_DropsWhatItOwes()
    {
        var pace = new Pace(begin: 0, TimeSpan.FromSeconds(3), requests: null, rate: 10, TimeSpan.FromSeconds(1));
        pace.TryTake(Second / 2, out var early).ShouldBe(true);
        pace.TryTake(Second, out var counted).ShouldBe(true);

        early.ShouldBe(0);
        counted.ShouldBe(Second);
        pace.Unsent.ShouldBe(19);
    }

    [Fact]
    public void PlannedEnd_OfATimetable_HasItsLastInterval()
    {
        new Pace(begin: Second, TimeSpan.FromSeconds(2), requests: null, rate: 5).PlannedEnd(now: Second).ShouldBe(3 * Second);
        new Pace(begin: Second, TimeSpan.FromSeconds(2), requests: 20, rate: 5).PlannedEnd(now: Second).ShouldBe(5 * Second);
        new Pace(begin: Second, TimeSpan.FromSeconds(2), requests: 20, rate: null).PlannedEnd(now: 9 * Second).ShouldBe(Second);

        var stopped = new Pace(begin: Second, TimeSpan.FromSeconds(2), requests: null, rate: 5);
        stopped.End();
        stopped.PlannedEnd(now: 2 * Second).ShouldBe(2 * Second);
    }

    [Fact]
    public void TryTake_AfterTheEnd_IsOver()
    {
        var pace = new Pace(begin: 0, TimeSpan.FromSeconds(2), requests: 10, rate: 5);
        pace.End();

        pace.TryTake(0, out _).ShouldBeNull();
        pace.Unsent.ShouldBe(0);
    }
}
