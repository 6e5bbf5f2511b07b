using System.Net;
using Holdfast.Oci;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

/// <summary>Where a registry that is not trusted that far must not send us.</summary>
public class GuardTests
{
    private static readonly byte[] Blob = Samples.Bytes(7, 1_000);
    private static readonly Digest Wanted = Samples.DigestOf(Blob);

    [Theory]
    [InlineData("10.1.2.3", true)]
    [InlineData("127.9.9.9", true)]
    [InlineData("169.254.169.254", true)]
    [InlineData("172.16.0.1", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.1.1", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("255.255.255.255", true)]
    [InlineData("224.0.0.1", true)]
    [InlineData("8.8.8.8", false)]
    [InlineData("192.0.2.1", false)]
    [InlineData("::", true)]
    [InlineData("::1", true)]
    [InlineData("fe80::1%2", true)]
    [InlineData("fd00::1", true)]
    [InlineData("2001:db8::1", false)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("::ffff:8.8.8.8", false)]
    [InlineData("64:ff9b::a00:1", true)]
    [InlineData("64:ff9b::808:808", false)]
    [InlineData("2002:c0a8:101::1", true)]
    [InlineData("::10.0.0.1", true)]
    public void PrivateAddress_IsKnown(string address, bool expected) => PrivateAddress.Is(IPAddress.Parse(address)).ShouldBe(expected);

    [Theory]
    [InlineData(true, RegistryOutcome.Found)]
    [InlineData(false, RegistryOutcome.Unusable)]
    [InlineData(null, RegistryOutcome.Found)] // The registry is on loopback itself.
    public async Task Redirect_ToAPrivateAddress_IsFollowedOnlyIfAllowed(bool? allowed, RegistryOutcome expected)
    {
        await using var store = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync(store.Address.ToString()));
        using var upstream = new Mirroring(registry.Address) { PrivateRedirects = allowed }.Start();

        var answer = await upstream.OpenBlobAsync(Samples.Repository, Wanted, CancellationToken.None);

        answer.Outcome.ShouldBe(expected);
        store.Requests.Count.ShouldBe(expected == RegistryOutcome.Found ? 1 : 0);
        if (expected == RegistryOutcome.Found)
            (await answer.Value.ReadAsync()).ShouldBe(Blob);
        else
            answer.Failure!.Detail.ShouldContain("privateRedirects");
    }

    // The name is resolved once, by who connects: between a check and a second look it could be given another address.
    [Fact]
    public async Task Redirect_ToANameWithPrivateAddresses_IsNotFollowed()
    {
        var asked = 0;
        await using var store = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync($"http://cdn.example:{store.Address.Port}/x"));
        using var upstream = new Mirroring(registry.Address)
        {
            PrivateRedirects = false,
            Resolve = (_, _) => new([IPAddress.Parse(Interlocked.Increment(ref asked) == 1 ? "127.0.0.1" : "127.0.0.2")]),
        }.Start();

        for (var i = 0; i < 3; i++)
        {
            var failure = (await upstream.OpenBlobAsync(Samples.Repository, Wanted, CancellationToken.None)).Failure.ShouldNotBeNull();
            failure.Outcome.ShouldBe(RegistryOutcome.Unusable);
            failure.Detail.ShouldContain("cdn.example has the address 127.0.0.");
        }

        store.Requests.ShouldBeEmpty();
        asked.ShouldBe(3);
    }

    [Fact]
    public async Task Redirect_WithinTheRegistry_IsFollowedThoughItIsPrivate()
    {
        await using var registry = await Upstream.StartAsync((context, _) => context.Request.Path == "/moved" ? context.SendAsync(Blob) : context.RedirectAsync("/moved"));
        using var upstream = new Mirroring(registry.Address) { PrivateRedirects = false }.Start();

        (await (await upstream.OpenBlobAsync(Samples.Repository, Wanted, CancellationToken.None)).Value.ReadAsync()).ShouldBe(Blob);
    }

    [Fact]
    public async Task Realm_AtAPrivateAddress_IsNotAsked()
    {
        await using var inner = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, """{"token":"t"}"""));
        await using var registry = await Upstream.StartAsync((context, _) => context.ChallengeAsync($"Bearer realm=\"{inner.Address}\""));
        using var upstream = new Mirroring(registry.Address) { PrivateRedirects = false, WithUser = true }.Start();

        (await upstream.GetAsync("v1")).Outcome.ShouldBe(RegistryOutcome.Unusable);

        inner.Requests.ShouldBeEmpty();
    }

    // A connection that was made without the check is not lent to what needs it.
    [Fact]
    public async Task Realm_AtAPrivateAddress_AfterARedirectThere_IsStillNotAsked()
    {
        await using var inner = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, """{"token":"t"}"""));
        await using var registry = await Upstream.StartAsync((context, number) => number % 2 == 1
            ? context.RedirectAsync(inner.Address.ToString())
            : context.ChallengeAsync($"Bearer realm=\"{inner.Address}\""));
        using var upstream = new Mirroring(registry.Address) { PrivateRedirects = false }.Start();

        for (var i = 0; i < 4; i++)
            (await upstream.GetAsync($"v{i}")).Outcome.ShouldBe(RegistryOutcome.Unusable);

        inner.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Redirect_OfARegistryBehindAProxy_ToAPrivateAddress_IsNotFollowedByDefault()
    {
        await using var proxy = await Upstream.StartAsync((context, _) => context.RedirectAsync("http://127.0.0.1:9/x"));
        using var upstream = new Mirroring(new Uri("http://registry.example")) { Proxy = new TestProxy(proxy.Address) }.Start();

        var failure = (await upstream.OpenBlobAsync(Samples.Repository, Wanted, CancellationToken.None)).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Unusable);
        proxy.Requests.Count.ShouldBe(1);
    }
}
