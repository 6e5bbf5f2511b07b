using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

/// <summary>Who is asked, and what is made of several answers.</summary>
public class MirrorOrderTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Get_TheFirstMirrorHasIt_AsksNoOther()
    {
        await using var first = await Mirroring.ServeAsync();
        await using var second = await Mirroring.ServeAsync();
        using var upstream = Start(first.Address, second.Address);

        (await upstream.GetAsync("v1")).Value.Payload.Length.ShouldBe(Mirroring.Json.Length);

        first.Requests.ShouldHaveSingleItem().Target.ShouldBe("/v2/team/app/manifests/v1");
        second.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    [InlineData(500)]
    [InlineData(429)]
    [InlineData(400)]
    public async Task Get_TheFirstMirrorAnswersOtherwise_IsHadFromTheNext(int status)
    {
        await using var first = await Mirroring.ServeAsync(status);
        await using var second = await Mirroring.ServeAsync();
        using var upstream = Start(first.Address, second.Address);

        (await upstream.GetAsync("v1")).Failure.ShouldBeNull();
        first.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Get_OneMirrorSendsOtherBytes_IsHadFromTheNext()
    {
        var digest = Samples.DigestOf(System.Text.Encoding.UTF8.GetBytes(Mirroring.Json));
        await using var first = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, "{}"));
        await using var second = await Mirroring.ServeAsync();
        using var upstream = Start(first.Address, second.Address);

        var answer = await upstream.GetManifestAsync(Samples.Repository, digest, CancellationToken.None);

        answer.Value.Digest.ShouldBe(digest);
        first.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Get_NoMirrorHasIt_IsUnknown()
    {
        await using var first = await Mirroring.ServeAsync(404);
        await using var second = await Mirroring.ServeAsync(404);
        using var upstream = Start(first.Address, second.Address);

        (await upstream.GetAsync("v1")).Outcome.ShouldBe(RegistryOutcome.Unknown);
    }

    [Theory]
    [Promise("P6")]
    [InlineData(503, RegistryOutcome.Unavailable)]
    [InlineData(429, RegistryOutcome.SlowDown)]
    [InlineData(401, RegistryOutcome.Denied)]
    [InlineData(403, RegistryOutcome.Denied)]
    public async Task Get_TheMirrorHasItNotAndTheOriginDoesNotSay_IsNotUnknown(int status, RegistryOutcome expected)
    {
        await using var mirror = await Mirroring.ServeAsync(404);
        await using var origin = await Mirroring.ServeAsync(status);
        using var upstream = Start(mirror.Address, origin.Address);

        (await upstream.GetAsync("v1")).Outcome.ShouldBe(expected);
        // And neither when the origin isn't asked, since it rests.
        (await upstream.GetAsync("v1")).Outcome.ShouldBe(expected);
    }

    [Fact]
    [Promise("P6")]
    public async Task Get_TheOriginIsAway_IsUnavailable()
    {
        await using var mirror = await Mirroring.ServeAsync(404);
        using var upstream = Start(mirror.Address, await Mirroring.ClosedAsync());

        var failure = (await upstream.GetAsync("v1")).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        failure.Detail.ShouldContain(mirror.Address.Authority);
    }

    [Fact]
    public async Task Get_TheMirrorIsAwayAndTheOriginHasItNot_IsUnknown()
    {
        await using var origin = await Mirroring.ServeAsync(404);
        using var upstream = Start(await Mirroring.ClosedAsync(), origin.Address);

        (await upstream.GetAsync("v1")).Outcome.ShouldBe(RegistryOutcome.Unknown);
    }

    [Theory]
    [InlineData("docker.io", "alpine", "/v2/library/alpine/tags/list?n=1000")]
    [InlineData("docker.io", "library/alpine", "/v2/library/alpine/tags/list?n=1000")]
    [InlineData("docker.io", "grafana/loki", "/v2/grafana/loki/tags/list?n=1000")]
    [InlineData("registry.k8s.io", "pause", "/v2/pause/tags/list?n=1000")]
    public async Task List_OfANamespace_PutsLibraryBeforeDockerHubsShortNames(string space, string name, string target)
    {
        await using var origin = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, """{"tags":["1","2"]}"""));
        using var upstream = new Mirroring(origin.Address) { Namespace = space }.Start();

        (await upstream.ListTagsAsync(RepositoryName.Parse(name), CancellationToken.None)).Value.Count.ShouldBe(2);

        origin.Requests.ShouldHaveSingleItem().Target.ShouldBe(target);
    }

    [Fact]
    public async Task ListReferrers_OfDescriptorsWithMoreThanIsKnown_KeepsThemAsTheyAre()
    {
        const string Descriptor = """{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":3,"artifactType":"a/b","annotations":{"z":"1","a":"\u00e9"},"x":[1, 2]}""";
        await using var origin = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, $$"""{"manifests":[{{Descriptor}}]}"""));
        using var upstream = Start(origin.Address);

        var referrer = (await upstream.ListReferrersAsync(Samples.Repository, Samples.DigestOf([1]), CancellationToken.None)).Value.ShouldHaveSingleItem();

        referrer.Json.ShouldBe(Descriptor);
        referrer.ArtifactType.ShouldBe("a/b");
        referrer.Digest.ShouldBe(Samples.DigestOf([]));
    }

    [Fact]
    public async Task Head_OfATag_AsksWithoutTakingAPull()
    {
        await using var origin = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers["Docker-Content-Digest"] = Samples.DigestOf([]).ToString();
            return Task.CompletedTask;
        });
        using var upstream = Start(origin.Address);

        (await upstream.HeadManifestAsync(Samples.Repository, Tag.Parse("v1"), CancellationToken.None)).Value.Digest.ShouldBe(Samples.DigestOf([]));

        origin.Requests.ShouldHaveSingleItem().Method.ShouldBe("HEAD");
    }

    [Fact]
    public async Task Requests_WithVia_CarryIt()
    {
        var seen = "";
        await using var origin = await Upstream.StartAsync((context, _) =>
        {
            seen = context.Request.Headers.Via.ToString();
            return context.SendManifestAsync();
        });
        using var upstream = new Mirroring(origin.Address) { Via = "holdfast-a1-hub" }.Start();

        (await upstream.GetAsync("v1")).Failure.ShouldBeNull();

        seen.ShouldBe("1.1 holdfast-a1-hub");
    }

    [Fact]
    public void Upstream_WithoutAnAddress_IsRefused() => Should.Throw<ArgumentException>(() => new Mirroring().Start()).Message.ShouldContain("'hub'");

    private Client.Upstream Start(params Uri[] addresses) => new Mirroring(addresses) { Time = _time }.Start();
}
