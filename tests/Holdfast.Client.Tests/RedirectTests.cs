using Holdfast.Oci;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>Blobs often lie with another host; nothing of the registry's may go along.</summary>
public class RedirectTests
{
    private static readonly byte[] Blob = Samples.Bytes(7, 1_000);
    private static readonly Digest Wanted = Samples.DigestOf(Blob);

    [Fact]
    public async Task Redirect_ToAnotherHost_DropsAuthorization()
    {
        await using var store = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        await using var registry = await Upstream.StartAsync((context, _) => context.Request.Headers.Authorization.Count == 0
            ? context.ChallengeAsync("Basic realm=x")
            : context.RedirectAsync(new Uri(store.Address, "/bytes?signature=1").ToString()));
        using var client = Samples.Client(registry.Address, withUser: true);

        (await client.DownloadAsync(Wanted)).Received.ShouldBe(Blob);

        registry.Requests.Select(r => r.Authorization).ShouldBe([null, Samples.Basic]);
        store.Requests.ShouldHaveSingleItem().Authorization.ShouldBeNull();
    }

    [Fact]
    public async Task Redirect_WithinTheRegistry_KeepsAuthorization()
    {
        await using var registry = await Upstream.StartAsync((context, _) => context.Request.Headers.Authorization.Count == 0
            ? context.ChallengeAsync("Basic realm=x")
            : context.Request.Path == "/moved" ? context.SendAsync(Blob) : context.RedirectAsync("/moved"));
        using var client = Samples.Client(registry.Address, withUser: true);

        (await client.DownloadAsync(Wanted)).Received.ShouldBe(Blob);
    }

    [Fact]
    public async Task Redirect_AwayAndBack_DoesNotBringAuthorizationBack()
    {
        Upstream? other = null;
        await using var registry = await Upstream.StartAsync((context, _) => context.Request.Path == "/back"
            ? context.SendAsync(Blob)
            : context.Request.Headers.Authorization.Count == 0
                ? context.ChallengeAsync("Basic realm=x")
                : context.RedirectAsync(other!.Address.ToString()));
        other = await Upstream.StartAsync((context, _) => context.RedirectAsync(new Uri(registry.Address, "/back").ToString()));
        using var client = Samples.Client(registry.Address, withUser: true);

        (await client.DownloadAsync(Wanted)).Received.ShouldBe(Blob);

        registry.Requests.Last().Target.ShouldBe("/back");
        registry.Requests.Last().Authorization.ShouldBeNull();
        await other.DisposeAsync();
    }

    [Fact]
    public async Task Redirect_ToAHostThatChallenges_IsDeniedWithoutAnAnswerToIt()
    {
        await using var thief = await Upstream.StartAsync((context, _) => context.ChallengeAsync("Basic realm=x"));
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync(thief.Address.ToString()));
        using var client = Samples.Client(registry.Address, withUser: true);

        (await client.DownloadAsync(Wanted)).Answer.Outcome.ShouldBe(RegistryOutcome.Denied);

        thief.Requests.ShouldHaveSingleItem().Authorization.ShouldBeNull();
    }

    [Fact]
    public async Task Redirect_InACircle_EndsAfterBoundedHops()
    {
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync(context.Request.Path));
        using var client = Samples.Client(registry.Address);

        (await client.DownloadAsync(Wanted)).Answer.Outcome.ShouldBe(RegistryOutcome.Unusable);

        registry.Requests.Count.ShouldBe(6);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/x")]
    [InlineData("javascript:alert(1)")]
    [InlineData("http://")]
    [InlineData("")]
    public async Task Redirect_ToWhatIsNoWebAddress_IsNotFollowed(string location)
    {
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync(location));
        using var client = Samples.Client(registry.Address);

        (await client.HeadBlobAsync(Samples.Repository, Wanted, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unusable);
    }

    [Fact]
    public async Task Redirect_FromHttpsToHttp_IsNotFollowed()
    {
        using var authority = new TestAuthority();
        await using var plain = await Upstream.StartAsync((context, _) => context.SendAsync(Blob));
        await using var registry = await Upstream.StartAsync((context, _) => context.RedirectAsync(plain.Address.ToString()), authority.Use);
        using var client = Samples.Client(registry.Address, trustFile: authority.File);

        var failure = (await client.DownloadAsync(Wanted)).Answer.Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Unusable);
        failure.Detail.ShouldContain("plain http");
        plain.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Redirect_OfABrokenTransfer_IsFollowedAnew()
    {
        await using var store = await Upstream.StartAsync((context, number) =>
            number == 1 ? context.BreakAsync(Blob, 400) : context.SendRangeAsync(Blob));
        await using var registry = await Upstream.StartAsync((context, number) => context.RedirectAsync(new Uri(store.Address, $"/{number}").ToString()));
        using var client = Samples.Client(registry.Address);

        (await client.DownloadAsync(Wanted)).Received.ShouldBe(Blob);

        store.Requests.Select(r => (r.Target, r.Range)).ShouldBe([("/1", null), ("/2", "bytes=400-")]);
    }
}
