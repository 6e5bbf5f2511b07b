using System.Net;
using Holdfast.Server.Auth;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public class LoginThrottleTests
{
    private readonly ManualTime _time = new();
    private readonly LoginThrottle _throttle;

    public LoginThrottleTests() => _throttle = new LoginThrottle(_time);

    [Fact]
    public void Begin_FailuresForOneName_WaitGrowsToAMinute()
    {
        var waits = new List<double>();
        for (var i = 0; i < 14; i++)
        {
            while (_throttle.Begin(AuthBench.Here, "alice") is { } wait)
            {
                waits.Add(wait.TotalSeconds);
                _time.Advance(wait);
            }
        }
        waits.Take(6).ShouldBe([1, 2, 4, 8, 16, 32]);
        waits.Max().ShouldBe(60);
    }

    [Fact]
    public void Begin_AttackFromElsewhere_LeavesTheVictimAlone()
    {
        for (var i = 0; i < 50; i++)
            _throttle.Begin(AuthBench.Elsewhere, "alice");
        _throttle.Begin(AuthBench.Elsewhere, "alice").ShouldNotBeNull();
        _throttle.Begin(AuthBench.Here, "alice").ShouldBeNull();
        _throttle.Begin(AuthBench.Elsewhere, "bob").ShouldBeNull();
    }

    [Fact]
    public void Begin_ManyNamesFromOneAddress_SlowsTheAddress()
    {
        for (var i = 0; i < 31; i++)
            _throttle.Begin(AuthBench.Elsewhere, $"user{i}").ShouldBeNull();
        _throttle.Begin(AuthBench.Elsewhere, "another").ShouldNotBeNull();
        _throttle.Begin(AuthBench.Here, "another").ShouldBeNull();
    }

    [Fact]
    public void Succeeded_AfterFailures_StartsAnewForThatName()
    {
        for (var i = 0; i < 5; i++)
            _throttle.Begin(AuthBench.Here, "alice").ShouldBeNull();
        _throttle.Succeeded(AuthBench.Here, "alice");
        for (var i = 0; i < 5; i++)
            _throttle.Begin(AuthBench.Here, "alice").ShouldBeNull();
    }

    [Fact]
    public void Succeeded_OwnAccountBetweenGuesses_DoesNotFreeTheAddress()
    {
        var refused = 0;
        for (var i = 0; i < 40; i++)
        {
            refused += _throttle.Begin(AuthBench.Elsewhere, $"victim{i}") is null ? 0 : 1;
            if (_throttle.Begin(AuthBench.Elsewhere, "attacker") is null)
                _throttle.Succeeded(AuthBench.Elsewhere, "attacker");
        }
        refused.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Begin_TimePasses_IsForgiven()
    {
        for (var i = 0; i < 6; i++)
            _throttle.Begin(AuthBench.Here, "alice");
        _throttle.Begin(AuthBench.Here, "alice").ShouldNotBeNull();
        _time.Advance(TimeSpan.FromMinutes(10));
        for (var i = 0; i < 5; i++)
            _throttle.Begin(AuthBench.Here, "alice").ShouldBeNull();
    }

    [Fact]
    public void Begin_OneIpv6Network_IsOneAddress()
    {
        for (var i = 0; i < 31; i++)
            _throttle.Begin(IPAddress.Parse($"2001:db8::{i:x}"), $"user{i}");
        _throttle.Begin(IPAddress.Parse("2001:db8::ffff"), "x").ShouldNotBeNull();
        _throttle.Begin(IPAddress.Parse("2001:db8:0:1::1"), "x").ShouldBeNull();
    }

    [Fact]
    [Promise("P10")]
    public void Begin_EndlessAddresses_TableStaysBounded()
    {
        for (var i = 0; i < 30_000; i++)
            _throttle.Begin(new IPAddress((long)i), "alice");
        _throttle.Count.ShouldBeLessThanOrEqualTo(10_000);
    }
}
