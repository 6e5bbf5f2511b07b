using System.Net;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Clients that ask for a tag by HEAD and get its manifest by digest, as containerd and docker do: the tag is known here all the same.</summary>
public sealed class ToldTagTests
{
    [Fact, Promise("P4")]
    public async Task Tag_AskedForByHead_IsKnownOnceItsManifestIsHere()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await ResolveAsync(lab, image);
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromDays(29));
        await ShouldBeStaleAsync(lab, image);
        lab.Time.Advance(TimeSpan.FromDays(2));
        (await lab.PullAsync(lab.Manifest("v1"))).Status.ShouldBe(HttpStatusCode.BadGateway, "counted from what the upstream said");
    }

    [Fact]
    public async Task Tag_ThatMoved_IsWhereTheUpstreamLastSaidThatItIs()
    {
        await using var lab = await CachingLab.StartAsync();
        await ResolveAsync(lab, await lab.PushAsync("v1", 1, 1000));
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        var renewed = await lab.PushAsync("v1", 2, 1000);
        await ResolveAsync(lab, renewed);
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        await ShouldBeStaleAsync(lab, renewed);
    }

    /// <summary>It was told of by HEAD, moved and was confirmed elsewhere, and only then came the old one's GET.</summary>
    [Fact]
    public async Task Manifest_ThatComesAfterTheTagHasMoved_TakesNoTagBack()
    {
        await using var lab = await CachingLab.StartAsync();
        var old = await lab.PushAsync("v1", 1, 1000);
        (await lab.HeadAsync(lab.Manifest("v1"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        lab.Time.Advance(TimeSpan.FromSeconds(2));
        var renewed = await lab.PushAsync("v1", 2, 1000);
        await lab.ShouldPullAsync(renewed, "v1");
        await lab.ShouldPullAsync(lab.Manifest(old.Digest), old.Manifest);
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        await ShouldBeStaleAsync(lab, renewed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tag_ThatWasToldOfTooLongAgoOrIsGone_IsNotKnown(bool isGone)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        (await lab.HeadAsync(lab.Manifest("v1"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        lab.Time.Advance(isGone ? TimeSpan.FromMinutes(1) : TimeSpan.FromMinutes(11));
        if (isGone)
        {
            lab.Proxy.Add(new Fault { Of = Fault.Head("/manifests/v1"), Status = 404 });
            (await lab.HeadAsync(lab.Manifest("v1"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        (await lab.PullAsync(lab.Manifest("v1"))).Status.ShouldBe(HttpStatusCode.BadGateway);
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
    }

    [Fact]
    public async Task Tag_PulledTwiceWithinASecond_IsAMissAndThenAHit()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
        lab.Proxy.Count("HEAD", "/manifests/v1").ShouldBe(1);
        foreach (var answer in (string[])["miss", "hit"])
            (await lab.AnswersAsync("manifest", answer)).ShouldBe(1, answer);
    }

    private static async Task ResolveAsync(CachingLab lab, LabImage image)
    {
        using var head = await lab.HeadAsync(lab.Manifest("v1"));
        head.Headers.GetValues("Docker-Content-Digest").ShouldBe([image.Digest.ToString()]);
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
    }

    private static async Task ShouldBeStaleAsync(CachingLab lab, LabImage image)
    {
        using var stale = await lab.HeadAsync(lab.Manifest("v1"));
        stale.StatusCode.ShouldBe(HttpStatusCode.OK);
        stale.Headers.GetValues("Warning").Single().ShouldStartWith("110 ");
        stale.Headers.GetValues("Docker-Content-Digest").ShouldBe([image.Digest.ToString()]);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
    }
}
