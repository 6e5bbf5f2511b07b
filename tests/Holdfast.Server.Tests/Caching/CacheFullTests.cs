using System.Net;
using System.Net.Http.Headers;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Without room on the disk clients get their images straight through, and an incident says so.</summary>
public sealed class CacheFullTests
{
    private const int Big = 12_000_000;

    [Theory, Promise("P10")]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(5_000_000, false)]
    [InlineData(5_000_000, true)]
    [InlineData(Big - 1, false)]
    public async Task Image_WithoutRoomForIt_ComesStraightThrough(long room, bool says)
    {
        var (lab, store) = await StartAsync(says);
        await using var used = lab;
        var image = await lab.PushAsync("v1", 1, Big, 1000);
        store().LeftBytes = room;
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get(Samples.DigestOf(image.Layer).ToString()), Gate = gate, GateAt = 100_000 });
        var pulls = Enumerable.Range(0, 5).Select(_ => lab.PullAsync(lab.Blob(image.Layer))).ToList();
        await gate.Reached;
        gate.Open();
        foreach (var (status, body, isWhole) in await Task.WhenAll(pulls))
        {
            status.ShouldBe(HttpStatusCode.OK);
            isWhole.ShouldBeTrue();
            body.AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        }
        (await lab.LinkedAsync(image.Layer)).ShouldBe(0);
        (await lab.IncidentAsync("cache-full", "caches")).Detail.ShouldContain("straight from the upstream");
        await lab.ShouldBeSoundAsync();

        store().LeftBytes = long.MaxValue;
        lab.Time.Advance(TimeSpan.FromSeconds(5));
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        await Eventually.ShouldBeAsync(() => lab.OpenIncidentsAsync("cache-full", "caches"), 0);
    }

    [Fact]
    public async Task Tag_WithoutRoomForItsManifest_ComesStraightThrough()
    {
        var (lab, store) = await StartAsync(says: true);
        await using var used = lab;
        var image = await lab.PushAsync("v1", 1, 1000);
        store().LeftBytes = 0;
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldPullAsync(image, "v1");
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBe(0);
        await lab.IncidentAsync("cache-full", "caches");
    }

    [Fact, Promise("P4")]
    public async Task WrongBytes_WithoutRoom_AreNeverComplete()
    {
        var (lab, store) = await StartAsync(says: false);
        await using var used = lab;
        var image = await lab.PushAsync("v1", 1, Big);
        store().LeftBytes = 5_000_000;
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Flip = 100, Times = 1 });
        var (_, body, isWhole) = await lab.PullAsync(lab.Blob(image.Layer));
        isWhole.ShouldBeFalse();
        body.Length.ShouldBeLessThan(Big);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
    }

    /// <summary>A disk that fails instead of being full is no reason to fail a pull either.</summary>
    [Fact]
    public async Task DiskThatFails_StillLetsTheImageThrough()
    {
        var (lab, store) = await StartAsync(says: false);
        await using var used = lab;
        var image = await lab.PushAsync("v1", 1, Big);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
        (store().LeftBytes, store().IsBroken) = (5_000_000, true);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        (await lab.LinkedAsync(image.Layer)).ShouldBe(0);
        await lab.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task LateComer_ForWhatIsNowhereAnyMore_FetchesItOnItsOwn()
    {
        var (lab, store) = await StartAsync(says: false);
        await using var used = lab;
        var image = await lab.PushAsync("v1", 1, Big);
        store().LeftBytes = 1_000_000;
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 10_000_000, Times = 1 });
        using var early = await lab.OpenAsync(lab.Blob(image.Layer));
        await using var stream = await early.Content.ReadAsStreamAsync();
        var start = await CachingLab.ReadAsync(stream, 10_000_000);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        gate.Open();
        byte[] whole = [.. start, .. await CachingLab.ReadAsync(stream, Big - 10_000_000)];
        whole.AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(2);
    }

    [Fact]
    public async Task Client_ThatLeaves_DoesNotHoldUpTheOthers()
    {
        var (lab, store) = await StartAsync(says: false);
        await using var used = lab;
        var image = await lab.PushAsync("v1", 1, 40_000_000);
        store().LeftBytes = 0;
        var leaving = await lab.OpenAsync(lab.Blob(image.Layer));
        await using var stream = await leaving.Content.ReadAsStreamAsync();
        await CachingLab.ReadAsync(stream, 1000);
        var pull = lab.PullAsync(lab.Blob(image.Layer));
        leaving.Dispose();
        (await pull).IsWhole.ShouldBeTrue();
    }

    /// <summary>Nobody would get it, and nothing could keep it.</summary>
    [Fact]
    public async Task Prefetch_WithoutRoom_IsGivenUp()
    {
        FullStore? store = null;
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Wrap = inner => store = new FullStore(inner),
            Cache = cache => cache with { PrefetchPlatforms = ["linux/amd64"] },
        });
        var image = await lab.PushAsync("v1", 1, Big);
        store!.LeftBytes = 100_000;
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        await Eventually.ShouldBeAsync(() => lab.Proxy.Broken, 1);
        await lab.ShouldBeKeptAsync(image.Blobs[0]);
        await lab.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Range_WithoutRoom_IsNeverWrong()
    {
        var (lab, store) = await StartAsync(says: true);
        await using var used = lab;
        var image = await lab.PushAsync("v1", 1, Big);
        store().LeftBytes = 0;
        var (status, body, isWhole) = await lab.PullAsync(lab.Blob(image.Layer), new RangeHeaderValue(1000, 2_000_000));
        if (isWhole && status == HttpStatusCode.PartialContent)
            body.AsSpan().SequenceEqual(image.Layer.AsSpan(1000, 1_999_001)).ShouldBeTrue();
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
    }

    /// <summary>With a real disk, database and all.</summary>
    [Fact, Promise("P10")]
    public async Task RealDisk_FullToTheLastByte_LetsImagesThrough()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big, 500_000);
        await using var disk = await SmallDisk.StartAsync(0, configure: options => options with
        {
            Listeners = [CachingLab.Listener("hub")],
            Registries = [new RegistryOptions { Name = "hub", Cache = lab.Server.Options.Registries[1].Cache }],
        });
        disk.Fill(leaveBytes: 6_000_000);
        for (var i = 0; i < 2; i++)
        {
            foreach (var (path, content) in image.Blobs.Select(blob => (lab.Blob(blob), blob)).Prepend((lab.Manifest("v1"), image.Manifest)))
                (await disk.Registry.Http.GetByteArrayAsync(path)).AsSpan().SequenceEqual(content).ShouldBeTrue(path);
            disk.Fill(leaveBytes: 0);
        }
        (await disk.Registry.CountAsync("SELECT COUNT(*) FROM pragma_foreign_key_check")).ShouldBe(0);
        disk.MakeRoom();
        await disk.Registry.RestartAsync();
        (await disk.Registry.Http.GetByteArrayAsync(lab.Blob(image.Layer))).AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
    }

    private static async Task<(CachingLab Lab, Func<FullStore> Store)> StartAsync(bool says)
    {
        FullStore? store = null;
        var lab = await CachingLab.StartAsync(new LabPlan
        {
            Wrap = inner => store = new FullStore(inner) { SaysSo = says },
            Server = options => options with { DiskReserveBytes = says ? 1 << 20 : 0 },
        });
        return (lab, () => store!);
    }
}
