using Holdfast.Server.Auth;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public sealed class HtpasswdFileTests : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private readonly AuthBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    [Promise("P9")]
    public void Open_WrongFile_ThrowsEveryProblem()
    {
        _bench.Replace("a:x\nb:y\n");
        var e = Should.Throw<InvalidDataException>(() => HtpasswdFile.Open(_bench.Htpasswd, _bench.Time, NullLogger.Instance));
        e.Message.Split('\n').Length.ShouldBe(2);
    }

    [Fact]
    public async Task Refresh_FileReplaced_TakesNewUsersAndForgetsOldPasswords()
    {
        var alice = AuthBench.Basic("alice", "alice-password");
        (await _bench.AuthenticateAsync(alice)).Outcome.ShouldBe(AuthenticationOutcome.Accepted);
        _bench.WriteUsers(("alice", "changed"), ("zoe", "zoe-password"));
        (await _bench.AuthenticateAsync(alice)).Outcome.ShouldBe(AuthenticationOutcome.Accepted);

        _bench.Time.Advance(Look);

        (await _bench.AuthenticateAsync(alice)).Outcome.ShouldBe(AuthenticationOutcome.InvalidCredentials);
        (await _bench.AuthenticateAsync(AuthBench.Basic("alice", "changed"))).Outcome.ShouldBe(AuthenticationOutcome.Accepted);
        (await _bench.AuthenticateAsync(AuthBench.Basic("zoe", "zoe-password"))).Caller!.User.ShouldBe("zoe");
    }

    [Fact]
    [Promise("P9")]
    public async Task Refresh_BadNewFile_KeepsOldUsersUntilItIsMended()
    {
        using var file = HtpasswdFile.Open(_bench.Htpasswd, _bench.Time, NullLogger.Instance);
        using var failures = new Counted("holdfast_htpasswd_reload_failures_total");
        _bench.Replace("alice:plain\n");
        _bench.Time.Advance(3 * Look);
        file.IsStale.ShouldBeTrue();
        file.Current.Has("bob").ShouldBeTrue();
        failures.Sum(t => Equals(t["file"], Path.GetFileName(_bench.Htpasswd))).ShouldBe(2); // Once for this file object and once for the bench's, not once per look.
        failures.Observe("holdfast_configuration_stale", "file", Path.GetFileName(_bench.Htpasswd)).ShouldBe(1);
        (await _bench.AuthenticateAsync(AuthBench.Basic("bob", "bob-password"))).Outcome.ShouldBe(AuthenticationOutcome.Accepted);

        _bench.WriteUsers(("zoe", "z"));
        _bench.Time.Advance(Look);
        file.IsStale.ShouldBeFalse();
        file.Current.Has("bob").ShouldBeFalse();
        failures.Observe("holdfast_configuration_stale", "file", Path.GetFileName(_bench.Htpasswd)).ShouldBe(0);
    }

    [Fact]
    public void Refresh_FileGone_KeepsOldUsersAndTakesItsReturn()
    {
        using var file = HtpasswdFile.Open(_bench.Htpasswd, _bench.Time, NullLogger.Instance);
        var text = File.ReadAllText(_bench.Htpasswd);
        File.Delete(_bench.Htpasswd);
        _bench.Time.Advance(Look);
        file.IsStale.ShouldBeTrue();
        file.Current.Has("bob").ShouldBeTrue();
        _bench.Replace(text);
        _bench.Time.Advance(2 * Look);
        file.IsStale.ShouldBeFalse();
    }

    [Fact]
    public void Refresh_WrittenInPlace_IsTakenOnlyWhenItStandsStill()
    {
        using var file = HtpasswdFile.Open(_bench.Htpasswd, _bench.Time, NullLogger.Instance);
        File.WriteAllText(_bench.Htpasswd, ""); // As htpasswd does before it writes.
        _bench.Time.Advance(Look);
        file.Current.Has("bob").ShouldBeTrue();
        File.WriteAllText(_bench.Htpasswd, "zoe:" + Bcrypt.Hash("z"u8, 4));
        _bench.Time.Advance(Look);
        file.Current.Has("bob").ShouldBeTrue();
        _bench.Time.Advance(Look);
        file.Current.Has("bob").ShouldBeFalse();
        file.Current.Has("zoe").ShouldBeTrue();
    }

    [Fact]
    public void HashOf_UnknownName_IsACheckOfTheSameCost()
    {
        _bench.Replace("a:" + Bcrypt.Hash("a"u8, 6));
        using var file = HtpasswdFile.Open(_bench.Htpasswd, _bench.Time, NullLogger.Instance);
        Bcrypt.TryReadCost(file.Current.HashOf("nobody", out var known), out var cost).ShouldBeTrue();
        known.ShouldBeFalse();
        cost.ShouldBe(6);
    }
}
