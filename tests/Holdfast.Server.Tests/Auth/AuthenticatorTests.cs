using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public class AuthenticatorTests
{
    private const string Manifest = "/v2/team/app/manifests/v1";
    private const RegistryActions PullPush = RegistryActions.Pull | RegistryActions.Push;

    private static readonly string Alice = AuthBench.Basic("alice", "alice-password");
    private static readonly string Bob = AuthBench.Basic("bob", "bob-password");

    private static readonly AccessRule[] Rules =
    [
        new(["alice"], ["**"], RegistryActions.All),
        new(["bob"], ["team/*"], RegistryActions.Pull),
    ];

    [Fact]
    public async Task Authenticate_OpenRegistry_EveryoneMayEverything()
    {
        using var open = Authenticator.Open(null, "r", TokenSigner.CreateEphemeral(), new ManualTime(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var admission = await open.AdmitAsync(
            AuthBench.Request(), RegistryRoute.Parse(Manifest), RegistryActions.All, AuthBench.Here, CancellationToken.None);
        admission.Outcome.ShouldBe(AdmissionOutcome.Admitted);
        admission.Caller.ShouldBeSameAs(Caller.Open);
    }

    [Theory]
    [InlineData("Basic")]
    [InlineData("Basic ")]
    [InlineData("Basic !!!")]
    [InlineData("Basic Og==")] // ":"
    [InlineData("Basic YWxpY2U=")] // no colon
    [InlineData("Digest username=\"alice\"")]
    [InlineData("")]
    [InlineData("Basic Ã¤")]
    [InlineData("\0")]
    public async Task Authenticate_GarbageHeader_IsInvalidCredentials(string header)
    {
        using var bench = new AuthBench();
        (await bench.AuthenticateAsync(header)).Outcome.ShouldBe(AuthenticationOutcome.InvalidCredentials);
    }

    [Fact]
    public async Task Authenticate_HugeHeader_IsInvalidCredentials()
    {
        using var bench = new AuthBench();
        (await bench.AuthenticateAsync("Basic " + new string('A', 1 << 20))).Outcome.ShouldBe(AuthenticationOutcome.InvalidCredentials);
        (await bench.AuthenticateAsync("Basic " + new string('A', 12_000))).Outcome.ShouldBe(AuthenticationOutcome.InvalidCredentials);
    }

    [Fact]
    public async Task Authenticate_TwoHeaders_IsInvalidCredentials()
    {
        using var bench = new AuthBench();
        var context = AuthBench.Request();
        context.Request.Headers.Authorization = new[] { Alice, Bob };
        (await bench.Authenticator.AuthenticateAsync(context, AuthBench.Here, CancellationToken.None))
            .Outcome.ShouldBe(AuthenticationOutcome.InvalidCredentials);
    }

    [Theory]
    [InlineData("alice", "wrong")]
    [InlineData("alice", "")]
    [InlineData("Alice", "alice-password")]
    [InlineData("nobody", "alice-password")]
    [InlineData("alice", "alice-password\0x")]
    public async Task Authenticate_WrongNameOrPassword_IsRefusedAndCounted(string name, string password)
    {
        using var bench = new AuthBench(registry: $"counted-{name}-{password.Length}");
        using var failures = new Counted("holdfast_auth_failures_total");
        (await bench.AuthenticateAsync(AuthBench.Basic(name, password))).Outcome.ShouldBe(AuthenticationOutcome.InvalidCredentials);
        failures.Sum(t => Equals(t["registry"], bench.Registry) && Equals(t["reason"], "credentials")).ShouldBe(1);
    }

    [Fact]
    public async Task Authenticate_AgainWithTheSamePassword_IsRememberedWithoutWork()
    {
        using var bench = new AuthBench();
        var first = await bench.AuthenticateAsync(Alice);
        var again = bench.Authenticator.AuthenticateAsync(AuthBench.Request(Alice), AuthBench.Elsewhere, CancellationToken.None);
        again.IsCompletedSuccessfully.ShouldBeTrue();
        (await again).Caller.ShouldBeSameAs(first.Caller);
    }

    [Fact]
    public async Task Authenticate_ManyAtOnceWithOneNewPassword_AreOneAttempt()
    {
        using var bench = new AuthBench();
        var all = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => bench.AuthenticateAsync(Alice)));
        all.ShouldAllBe(r => r.Outcome == AuthenticationOutcome.Accepted);
    }

    [Fact]
    public async Task Authenticate_SeveralWrongPasswords_SlowsThatAddressOnly()
    {
        using var bench = new AuthBench();
        (await bench.AuthenticateAsync(Bob, AuthBench.Elsewhere)).Outcome.ShouldBe(AuthenticationOutcome.Accepted);
        var outcomes = new List<AuthenticationOutcome>();
        for (var i = 0; i < 8; i++)
            outcomes.Add((await bench.AuthenticateAsync(AuthBench.Basic("alice", $"guess{i}"), AuthBench.Elsewhere)).Outcome);
        outcomes.ShouldContain(AuthenticationOutcome.SlowDown);

        // From there even the right password waits, but not who is remembered; from here nothing changed.
        var slowed = await bench.AuthenticateAsync(Alice, AuthBench.Elsewhere);
        slowed.Outcome.ShouldBe(AuthenticationOutcome.SlowDown);
        slowed.RetryAfter.ShouldBeInRange(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(60));
        (await bench.AuthenticateAsync(Bob, AuthBench.Elsewhere)).Outcome.ShouldBe(AuthenticationOutcome.Accepted);
        (await bench.AuthenticateAsync(Alice)).Outcome.ShouldBe(AuthenticationOutcome.Accepted);

        bench.Time.Advance(slowed.RetryAfter);
        (await bench.AuthenticateAsync(Alice, AuthBench.Elsewhere)).Outcome.ShouldBe(AuthenticationOutcome.Accepted);
    }

    [Fact]
    public async Task Admit_NoCredentials_ChallengesWithBasic()
    {
        using var bench = new AuthBench();
        var admission = await bench.AdmitAsync(null, Manifest, RegistryActions.Pull);
        admission.ShouldBe(Admission.Unauthorized("Basic realm=\"holdfast\""));
        (await bench.AdmitAsync(null, "/v2/", RegistryActions.None)).Outcome.ShouldBe(AdmissionOutcome.Unauthorized);
    }

    [Theory]
    [InlineData(Manifest, RegistryActions.Pull, ",scope=\"repository:team/app:pull\"")]
    [InlineData(Manifest, RegistryActions.Push, ",scope=\"repository:team/app:pull,push\"")]
    [InlineData(Manifest, RegistryActions.Delete, ",scope=\"repository:team/app:pull,delete\"")]
    [InlineData("/v2/", RegistryActions.None, "")]
    [InlineData("/v2/_catalog", RegistryActions.None, ",scope=\"registry:catalog:*\"")]
    public async Task Admit_NoCredentialsWhereTokensAreIssued_ChallengesWithTheScope(string path, RegistryActions needed, string scope)
    {
        using var bench = new AuthBench(AuthBench.WithTokens);
        var admission = await bench.AdmitAsync(null, path, needed);
        admission.Challenge.ShouldBe($"Bearer realm=\"https://registry.example:5050/token\",service=\"private\"{scope}");
    }

    [Fact]
    public async Task Challenge_RealmAndServiceConfigured_AreSent()
    {
        using var bench = new AuthBench(
            o => o with { Token = new TokenOptions { Realm = new Uri("https://auth.example/t"), Service = "a \"b\"" } });
        (await bench.AdmitAsync(null, "/v2/", RegistryActions.None)).Challenge
            .ShouldBe("Bearer realm=\"https://auth.example/t\",service=\"a \\\"b\\\"\"");
    }

    [Fact]
    public async Task Admit_UserWithoutTheRight_IsDeniedWhateverExists()
    {
        using var bench = new AuthBench(o => o with { Access = Rules });
        (await bench.AdmitAsync(Bob, Manifest, RegistryActions.Pull)).Outcome.ShouldBe(AdmissionOutcome.Admitted);
        (await bench.AdmitAsync(Bob, Manifest, RegistryActions.Push)).Outcome.ShouldBe(AdmissionOutcome.Denied);
        (await bench.AdmitAsync(Bob, "/v2/secret/manifests/v1", RegistryActions.Pull)).Outcome.ShouldBe(AdmissionOutcome.Denied);
        (await bench.AdmitAsync(Alice, "/v2/secret/manifests/v1", RegistryActions.All)).Outcome.ShouldBe(AdmissionOutcome.Admitted);
        (await bench.AdmitAsync(Bob, "/v2/", RegistryActions.None)).Outcome.ShouldBe(AdmissionOutcome.Admitted);
    }

    [Fact]
    public async Task Admit_AnonymousPull_NeedsNoCredentialsToPullAndATokenIsOffered()
    {
        using var bench = new AuthBench(o => o with { Anonymous = RegistryActions.Pull });
        (await bench.AdmitAsync(null, Manifest, RegistryActions.Pull)).Outcome.ShouldBe(AdmissionOutcome.Admitted);
        (await bench.AdmitAsync(null, Manifest, PullPush)).Challenge.ShouldNotBeNull().ShouldStartWith("Bearer ");
        // Docker decides by /v2/ alone whether it will ever send credentials.
        (await bench.AdmitAsync(null, "/v2/", RegistryActions.None)).Outcome.ShouldBe(AdmissionOutcome.Unauthorized);
        (await bench.AdmitAsync("Bearer " + await bench.TokenAsync(null), "/v2/", RegistryActions.None)).Outcome
            .ShouldBe(AdmissionOutcome.Admitted);
    }

    [Fact]
    public async Task Admit_WrongPasswordWhereAnonymousMayPull_IsRefused()
    {
        using var bench = new AuthBench(o => o with { Anonymous = RegistryActions.Pull });
        (await bench.AdmitAsync(AuthBench.Basic("alice", "no"), Manifest, RegistryActions.Pull)).Outcome
            .ShouldBe(AdmissionOutcome.Unauthorized);
    }

    [Fact]
    public async Task Admit_TokenForLess_AsksForAnotherTokenOrDenies()
    {
        using var bench = new AuthBench(o => AuthBench.WithTokens(o) with { Access = Rules });
        var alicePull = "Bearer " + await bench.TokenAsync(Alice, "repository:team/app:pull");
        (await bench.AdmitAsync(alicePull, Manifest, RegistryActions.Pull)).Outcome.ShouldBe(AdmissionOutcome.Admitted);
        var more = await bench.AdmitAsync(alicePull, Manifest, RegistryActions.Push);
        more.Outcome.ShouldBe(AdmissionOutcome.Unauthorized);
        more.Challenge.ShouldNotBeNull().ShouldEndWith(",scope=\"repository:team/app:pull,push\",error=\"insufficient_scope\"");
        (await bench.AdmitAsync(alicePull, "/v2/other/manifests/v1", RegistryActions.Pull)).Outcome.ShouldBe(AdmissionOutcome.Unauthorized);

        var bobAll = "Bearer " + await bench.TokenAsync(Bob, "repository:team/app:*");
        (await bench.AdmitAsync(bobAll, Manifest, RegistryActions.Push)).Outcome.ShouldBe(AdmissionOutcome.Denied);
    }

    [Fact]
    public async Task Admit_Catalog_NeedsATokenForItAndListsWhatTheUserMayPull()
    {
        using var bench = new AuthBench(o => AuthBench.WithTokens(o) with { Access = Rules });
        var without = "Bearer " + await bench.TokenAsync(Bob, "repository:team/app:pull");
        (await bench.AdmitAsync(without, "/v2/_catalog", RegistryActions.None)).Challenge.ShouldNotBeNull().ShouldContain("insufficient_scope");
        var with = "Bearer " + await bench.TokenAsync(Bob, "registry:catalog:*");
        var lister = (await bench.AdmitAsync(with, "/v2/_catalog", RegistryActions.None)).Caller.ShouldNotBeNull();
        lister.May(AuthBench.Name("team/app"), RegistryActions.Pull).ShouldBeTrue();
        lister.May(AuthBench.Name("other"), RegistryActions.Pull).ShouldBeFalse();
        (await bench.AdmitAsync(with, Manifest, RegistryActions.Pull)).Outcome.ShouldBe(AdmissionOutcome.Unauthorized);
    }

    [Fact]
    [Promise("P10")]
    public void Remembered_MoreThanFit_StaysBoundedAndKeepsWhatIsUsed()
    {
        var remembered = new RememberedCallers();
        var caller = new RememberedCaller(AuthenticationResult.Accepted(Caller.Open), DateTimeOffset.MaxValue);
        var used = new CredentialKey(1, 1, 1, 1);
        remembered.Add(used, caller);
        for (ulong i = 2; i < 100_000; i++)
        {
            remembered.Add(new CredentialKey(i, i, i, i), caller);
            if (i % 1000 == 0)
                remembered.TryGet(used, out _).ShouldBeTrue();
        }
        var kept = Enumerable.Range(2, 99_998).Count(i => remembered.TryGet(new CredentialKey((ulong)i, (ulong)i, (ulong)i, (ulong)i), out _));
        kept.ShouldBeLessThanOrEqualTo(2 * 8192);
    }
}
