using Holdfast.Drill.Ledgers;

namespace Holdfast.Drill.Tests;

/// <summary>What is owed is what the drills' judgement rests on, so it is tested by itself.</summary>
public sealed class RegisterTests
{
    private readonly Register _register = new();

    [Fact]
    public void Set_Acknowledged_IsTheOnlyValue()
    {
        _register.BeginSet("a").End(true);

        _register.Only.ShouldBe("a");
    }

    [Fact]
    public void Set_WithoutAnswer_MayOrMayNotHaveHappened()
    {
        _register.BeginSet("a").End(true);
        _register.BeginSet("b").End(null);

        _register.Possible.ShouldBe(["a", "b"], ignoreOrder: true);
    }

    [Fact]
    public void Set_Refused_LeavesWhatWas()
    {
        _register.BeginSet("a").End(true);
        _register.BeginSet("b").End(false);

        _register.Only.ShouldBe("a");
    }

    [Fact]
    public void Sets_Overlapping_LeaveBothPossible()
    {
        var one = _register.BeginSet("a");
        var other = _register.BeginSet("b");
        other.End(true);
        one.End(true);

        _register.MayBe("a").ShouldBeTrue();
        _register.MayBe("b").ShouldBeTrue();
    }

    [Fact]
    public void Set_AcknowledgedAfterAnUnansweredOne_IsTheOnlyValue()
    {
        _register.BeginSet("a").End(null);
        _register.BeginSet("b").End(true);

        _register.Only.ShouldBe("b");
    }

    [Fact]
    public void Remove_OfTheValue_MakesItAbsent()
    {
        _register.BeginSet("a").End(true);
        _register.BeginRemove("a").End(true);

        _register.Only.ShouldBe("");
    }

    [Fact]
    public void Remove_OfAnotherPossibleValue_KeepsTheRest()
    {
        _register.BeginSet("a").End(true);
        _register.BeginSet("b").End(null);
        _register.BeginRemove("b").End(true);

        _register.Possible.ShouldBe(["", "a"], ignoreOrder: true);
    }

    [Fact]
    public void Change_WhileAnotherRuns_ShowsAsBegun()
    {
        var before = _register.Begun;
        var change = _register.BeginSet("a");

        _register.IsBeingChanged.ShouldBeTrue();
        change.End(true);
        _register.IsBeingChanged.ShouldBeFalse();
        _register.Begun.ShouldBeGreaterThan(before);
    }
}
