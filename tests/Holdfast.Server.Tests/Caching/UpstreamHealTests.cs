using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Heal;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>What a cache's disk has lost comes back from the upstream, whether or not anybody pulls it.</summary>
public sealed class UpstreamHealTests
{
    // The sweep goes by each minute.
    private static readonly TimeSpan ToTheSweep = TimeSpan.FromSeconds(61);

    [Theory, Promise("P4")]
    [InlineData("flip", 700_000)]
    [InlineData("remove", 700_000)]
    [InlineData("remove", 1000)]
    public async Task CachedBlob_ThatIsDamaged_IsHealedWithoutAPull(string damage, int size)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await CacheAsync(lab, size);
        var digest = Samples.DigestOf(image.Layer);
        if (damage == "flip")
            lab.Server.Flip(digest);
        else
            lab.Server.Remove(digest);
        lab.Time.Advance(ToTheSweep);
        (await lab.Server.WaitForHealAsync(digest)).HealedBy.ShouldBe("upstream registry.example");
        File.ReadAllBytes(lab.Server.BlobFile(digest)).AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
        await lab.ShouldBeSoundAsync();
    }

    [Fact, Promise("P4")]
    public async Task CachedManifest_WithoutAnyCopy_IsHealedInBothPlaces()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await CacheAsync(lab, 1000);
        await lab.Server.ChangeAsync($"UPDATE manifest_payloads SET payload = x'00' WHERE blob_id = (SELECT id FROM blobs WHERE digest = {CachingLab.Literal(image.Manifest)})");
        lab.Server.Remove(image.Digest);
        lab.Time.Advance(ToTheSweep);
        (await lab.Server.WaitForHealAsync(image.Digest)).HealedBy.ShouldBe("upstream registry.example");
        File.ReadAllBytes(lab.Server.BlobFile(image.Digest)).ShouldBe(image.Manifest);
        (await lab.Server.CountAsync($"SELECT length(payload) FROM manifest_payloads WHERE blob_id = (SELECT id FROM blobs WHERE digest = {CachingLab.Literal(image.Manifest)})"))
            .ShouldBe(image.Manifest.Length);
    }

    [Fact]
    public async Task CachedBlob_WhoseUpstreamIsGone_StaysAnIncidentThatSaysSoUntilAPull()
    {
        await using var lab = await CachingLab.StartAsync();
        var (image, tried) = await LoseWhileAwayAsync(lab);
        var digest = Samples.DigestOf(image.Layer);
        tried.State.ShouldBe("open");
        tried.LastTry.ShouldNotBeNull().ShouldStartWith("upstream registry.example could not give it: ");
        await lab.IncidentAsync("upstream", lab.Name);
        lab.Proxy.Revive();
        lab.Time.Advance(TimeSpan.FromSeconds(30)); // The mirror has rested; the healing's next try is a minute off.
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        (await lab.Server.WaitForHealAsync(digest)).HealedBy.ShouldBe("upstream");
        await lab.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task CachedBlob_WhoseUpstreamComesBack_IsHealedByTheNextTry()
    {
        await using var lab = await CachingLab.StartAsync();
        var (image, _) = await LoseWhileAwayAsync(lab);
        lab.Proxy.Revive();
        lab.Time.Advance(TimeSpan.FromMinutes(6));
        (await lab.Server.WaitForHealAsync(Samples.DigestOf(image.Layer))).HealedBy.ShouldBe("upstream registry.example");
    }

    [Fact, Promise("P4")]
    public async Task Upstream_ThatGivesWrongBytes_HealsNothing()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await CacheAsync(lab, 300_000);
        var digest = Samples.DigestOf(image.Layer);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Flip = 1000, Times = 1 });
        lab.Server.Remove(digest);
        lab.Time.Advance(ToTheSweep);
        (await lab.Server.WaitForAsync(digest, incident => incident.Tries > 0)).LastTry.ShouldNotBeNull().ShouldStartWith("upstream registry.example gave wrong bytes");
        File.Exists(lab.Server.BlobFile(digest)).ShouldBeFalse();
        await lab.ShouldBeSoundAsync();
    }

    /// <summary>The pull mends it; the healing doesn't fetch the same bytes beside it.</summary>
    [Fact]
    public async Task Blob_ThatAPullIsFetching_IsNotAskedForTwice()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await CacheAsync(lab, 700_000);
        var digest = Samples.DigestOf(image.Layer);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 300_000 });
        lab.Server.Remove(digest);
        var pull = lab.PullAsync(lab.Blob(image.Layer));
        await gate.Reached;
        (await lab.Server.WaitForAsync(digest, incident => incident.Tries > 0)).LastTry.ShouldBe("upstream registry.example is sending it to a client just now");
        gate.Open();
        (await pull).IsWhole.ShouldBeTrue();
        (await lab.Server.WaitForHealAsync(digest)).HealedBy.ShouldBe("upstream");
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    /// <summary>What a hosted registry alone has is nothing that an upstream is asked for.</summary>
    [Fact]
    public async Task HostedBlob_IsNotAskedForUpstream()
    {
        await using var lab = await CachingLab.StartAsync();
        var content = Samples.Bytes(1, 1000);
        var digest = Samples.DigestOf(content);
        var address = new Uri(lab.Server.Addresses[1], $"/v2/{CachingLab.Repository}/blobs/uploads/?digest={digest}");
        using (var pushed = await lab.Http.PostAsync(address, new ByteArrayContent(content)))
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        lab.Server.Remove(digest);
        lab.Time.Advance(ToTheSweep);
        (await lab.Server.WaitForAsync(digest, incident => incident.Tries > 0)).LastTry.ShouldBe("no donor is configured (heal.donors)");
        lab.Proxy.Requests.ShouldBeEmpty();
    }

    /// <summary>A cached image whose layer is lost while its upstream is away, and the incident after the first try to heal it.</summary>
    private static async Task<(LabImage Image, IncidentAnswer Tried)> LoseWhileAwayAsync(CachingLab lab)
    {
        var image = await CacheAsync(lab, 300_000);
        await lab.Proxy.KillAsync();
        lab.Server.Remove(Samples.DigestOf(image.Layer));
        lab.Time.Advance(ToTheSweep);
        return (image, await lab.Server.WaitForAsync(Samples.DigestOf(image.Layer), static incident => incident.Tries > 0));
    }

    private static async Task<LabImage> CacheAsync(CachingLab lab, int size)
    {
        var image = await lab.PushAsync("v1", 1, size);
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        lab.Proxy.Forget();
        return image;
    }
}
