using System.Net;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Caches stay within their bounds, and what goes is whole and the least of a loss.</summary>
public sealed class EvictionTests
{
    private const int Size = 1_000_000;
    private const long Bound = 3_200_000;

    [Fact]
    public async Task Images_BeyondTheBound_GoByLastUse()
    {
        await using var lab = await StartAsync();
        var (a, b, c) = (await PullNewAsync(lab, "a", 1), await PullNewAsync(lab, "b", 2), await PullNewAsync(lab, "c", 3));
        await UseAsync(lab, a, "a");
        var d = await PullNewAsync(lab, "d", 4);
        await ShouldGoAsync(lab, b);
        foreach (var kept in new[] { a, c, d })
            (await lab.KnownAsync(kept.Manifest)).ShouldBe(1);
        (await lab.MetricAsync($"holdfast_cache_evictions_total{{cache=\"{lab.Name}\"}}")).ShouldBe(1);
        (await lab.MetricAsync($"holdfast_cache_evicted_bytes_total{{cache=\"{lab.Name}\"}}")).ShouldBe(Size + 50 + b.Manifest.Length);
        await Eventually.ShouldBeAsync(async () => await lab.MetricAsync($"holdfast_cache_size_bytes{{cache=\"{lab.Name}\"}}") is > 0 and <= Bound, true);
        (await lab.MetricAsync($"holdfast_cache_size_limit_bytes{{cache=\"{lab.Name}\"}}")).ShouldBe(Bound);
        await lab.ShouldPullAsync(b, "b");
        await lab.ShouldBeSoundAsync();
    }

    /// <summary>An index goes with its children and their blobs, and was used when one of them was.</summary>
    [Fact]
    public async Task Index_GoesWhole_AndIsUsedThroughItsChildren()
    {
        await using var lab = await StartAsync();
        var (x, y) = (LabImage.Create(11, Size), LabImage.Create(12, Size));
        foreach (var blob in x.Blobs.Concat(y.Blobs))
            await lab.Origin.PushBlobAsync(CachingLab.Repository, blob);
        foreach (var child in new[] { x, y })
            await lab.Origin.PushManifestAsync(CachingLab.Repository, null, child.Manifest);
        var index = Samples.Index(x.Manifest, y.Manifest);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "multi", index, Oci.MediaTypes.OciIndex);
        await lab.ShouldPullAsync(lab.Manifest("multi"), index);
        await lab.ShouldPullAsync(x, x.Digest.ToString());
        await lab.ShouldPullAsync(y, y.Digest.ToString());
        lab.Time.Advance(TimeSpan.FromHours(2));
        var other = await PullNewAsync(lab, "other", 13);
        await UseAsync(lab, y, y.Digest.ToString());
        await PullNewAsync(lab, "more", 14);
        await ShouldGoAsync(lab, other);
        (await lab.KnownAsync(index)).ShouldBe(1);
        lab.Time.Advance(TimeSpan.FromHours(2));
        await PullNewAsync(lab, "last", 15);
        await Eventually.ShouldBeAsync(() => lab.KnownAsync(index), 0);
        await ShouldGoAsync(lab, x);
        await ShouldGoAsync(lab, y);
    }

    [Fact]
    public async Task Pinned_Stays_AndTheBoundThatItBreaksIsAnIncident()
    {
        await using var lab = await StartAsync(cache => cache with { Pins = ["team/*:keep*", "other/**"] });
        var pinned = await PullNewAsync(lab, "keep-1", 1);
        var free = await PullNewAsync(lab, "b", 2);
        await PullNewAsync(lab, "keep-2", 3);
        await PullNewAsync(lab, "keep-3", 4);
        await ShouldGoAsync(lab, free);
        (await lab.KnownAsync(pinned.Manifest)).ShouldBe(1);
        (await lab.OpenIncidentsAsync("cache-full", $"caches/{lab.Name}")).ShouldBe(0);
        await PullNewAsync(lab, "keep-4", 5);
        (await lab.IncidentAsync("cache-full", $"caches/{lab.Name}")).Detail.ShouldContain("size.max");
        (await lab.KnownAsync(pinned.Manifest)).ShouldBe(1);
    }

    [Fact, Promise("P3")]
    public async Task Blobs_OfAHostedRegistryOrAnotherImage_Stay()
    {
        await using var lab = await StartAsync();
        var a = await PullNewAsync(lab, "a", 1);
        // The same layer, pushed to our own registry.
        await PushOwnAsync(lab, "mine", a);
        var shared = LabImage.Create(1, Size) with { Manifest = Samples.Image(a.Blobs[0], a.Layer, []) };
        await lab.Origin.PushBlobAsync(CachingLab.Repository, []);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "shared", shared.Manifest);
        lab.Time.Advance(TimeSpan.FromHours(2));
        await lab.ShouldPullAsync(lab.Manifest("shared"), shared.Manifest);
        for (var i = 2; i < 5; i++)
            await PullNewAsync(lab, $"t{i}", i);
        await Eventually.ShouldBeAsync(() => lab.KnownAsync(a.Manifest), 0);
        await Eventually.ShouldBeAsync(() => lab.KnownAsync(shared.Manifest), 0);
        await Eventually.ShouldBeAsync(() => lab.LinkedAsync(a.Layer), 0);
        lab.Server.BlobFile(Samples.DigestOf(a.Layer)).ShouldSatisfyAllConditions(file => File.Exists(file).ShouldBeTrue());
        await lab.ShouldPullAsync($"/v2/mine/manifests/v1", a.Manifest, listener: 1);
        await lab.ShouldPullAsync($"/v2/mine/blobs/{Samples.DigestOf(a.Layer)}", a.Layer, listener: 1);
    }

    [Fact]
    public async Task Layer_OfTwoImages_StaysWithTheOther()
    {
        await using var lab = await StartAsync();
        var a = await PullNewAsync(lab, "a", 1);
        var config = Samples.Bytes(777, 60);
        await lab.Origin.PushBlobAsync(CachingLab.Repository, config);
        var sharing = new LabImage(Samples.Image(config, a.Layer), [config, a.Layer]);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "sharing", sharing.Manifest);
        for (var i = 2; i < 4; i++)
            await PullNewAsync(lab, $"t{i}", i);
        lab.Time.Advance(TimeSpan.FromHours(2));
        await lab.ShouldPullAsync(sharing, "sharing");
        await PullNewAsync(lab, "t9", 9);
        await Eventually.ShouldBeAsync(() => lab.KnownAsync(a.Manifest), 0);
        (await lab.KnownAsync(sharing.Manifest)).ShouldBe(1);
        (await lab.LinkedAsync(a.Layer)).ShouldBe(1);
        lab.Proxy.Forget();
        await lab.ShouldPullAsync(lab.Blob(a.Layer), a.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(0);
    }

    /// <summary>What a client is getting just now stays until it has it.</summary>
    [Fact]
    public async Task Transfer_ThatRuns_IsNotEvictedFromUnder()
    {
        const int Big = 40_000_000;
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { MaxBytes = Big + 100_000 } });
        var big = await lab.PushAsync("big", 1, Big);
        await lab.ShouldPullAsync(big, "big");
        await lab.ShouldBeKeptAsync(big.Layer);
        // Far more than sockets hold, so that the server is in the middle of it.
        using var response = await lab.OpenAsync(lab.Blob(big.Layer));
        await using var stream = await response.Content.ReadAsStreamAsync();
        var start = await CachingLab.ReadAsync(stream, 1000);
        lab.Time.Advance(TimeSpan.FromHours(2));
        var other = await PullNewAsync(lab, "other", 2);
        await Eventually.ShouldBeAsync(() => lab.OpenIncidentsAsync("cache-full", $"caches/{lab.Name}"), 0);
        await ShouldGoAsync(lab, other);
        (await lab.KnownAsync(big.Manifest)).ShouldBe(1);
        byte[] whole = [.. start, .. await CachingLab.ReadAsync(stream, Big - 1000)];
        whole.AsSpan().SequenceEqual(big.Layer).ShouldBeTrue();
    }

    [Fact]
    public async Task AllCachesTogether_StayWithinTheirBound()
    {
        const string Second = "second";
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Server = options => options with
            {
                Caches = new AllCachesOptions { MaxBytes = Bound },
                Listeners = [.. options.Listeners, CachingLab.Listener(Second)],
                Registries =
                [
                    .. options.Registries,
                    new RegistryOptions { Name = Second, Cache = options.Registries[1].Cache! with { Upstream = options.Registries[1].Cache!.Upstream with { Namespace = "second.example" } } },
                ],
            },
        });
        var a = await PullNewAsync(lab, "a", 1);
        for (var i = 2; i < 5; i++)
        {
            var image = await lab.PushAsync($"t{i}", i, Size);
            await lab.ShouldPullAsync(lab.Manifest($"t{i}"), image.Manifest, listener: 3);
            foreach (var blob in image.Blobs)
                await lab.ShouldPullAsync(lab.Blob(blob), blob, listener: 3);
            lab.Time.Advance(TimeSpan.FromHours(2));
        }
        await ShouldGoAsync(lab, a);
    }

    /// <summary>Blobs that nobody has a manifest for go first, once they are not about to be needed.</summary>
    [Fact]
    public async Task LooseBlobs_GoBeforeImages()
    {
        await using var lab = await StartAsync();
        var loose = Samples.Bytes(99, Size);
        await lab.Origin.PushBlobAsync(CachingLab.Repository, loose);
        await lab.ShouldPullAsync(lab.Blob(loose), loose);
        await lab.ShouldBeKeptAsync(loose);
        lab.Time.Advance(TimeSpan.FromHours(2));
        var images = new List<LabImage>();
        for (var i = 1; i < 4; i++)
            images.Add(await PullNewAsync(lab, $"t{i}", i));
        await Eventually.ShouldBeAsync(() => lab.LinkedAsync(loose), 0);
        await Eventually.ShouldBeAsync(() => File.Exists(lab.Server.BlobFile(Samples.DigestOf(loose))), false);
        foreach (var image in images)
            (await lab.KnownAsync(image.Manifest)).ShouldBe(1);
    }

    /// <summary>Whoever asks for blobs alone must not fill the disk with them, nor have images go for them.</summary>
    [Fact, Promise("P10")]
    public async Task LooseBlobs_BeyondTheBound_GoBeforeImagesHoweverYoung()
    {
        await using var lab = await StartAsync();
        var image = await PullNewAsync(lab, "a", 1);
        var loose = LabImage.Create(50, Enumerable.Repeat(Size, 8).ToArray()).Blobs.Skip(1).ToList();
        foreach (var blob in loose)
        {
            await lab.Origin.PushBlobAsync(CachingLab.Repository, blob);
            await lab.ShouldPullAsync(lab.Blob(blob), blob);
            lab.Time.Advance(TimeSpan.FromMinutes(1));
        }
        await lab.ShouldBeKeptAsync(loose[^1]);
        await Eventually.ShouldBeAsync(
            async () => await lab.Server.CountAsync("SELECT COALESCE(SUM(b.size), 0) FROM links l JOIN blobs b ON b.id = l.blob_id") <= Bound, true);
        (await lab.KnownAsync(image.Manifest)).ShouldBe(1);
        (await lab.LinkedAsync(loose[^1])).ShouldBe(1);
        (await lab.LinkedAsync(loose[0])).ShouldBe(0);
    }

    /// <summary>Caches give way before pushes are refused.</summary>
    [Fact, Promise("P10")]
    public async Task Reserve_ThatIsShort_TakesFromCaches()
    {
        FullStore? store = null;
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Wrap = inner => store = new FullStore(inner) { SaysSo = true, CountsFreed = true },
            Server = options => options with { DiskReserveBytes = 10_000_000 },
        });
        var (a, b) = (await PullNewAsync(lab, "a", 1), await PullNewAsync(lab, "b", 2));
        store!.LeftBytes = 19_500_000;
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        await Eventually.ShouldBeAsync(() => lab.KnownAsync(a.Manifest), 0);
        await Eventually.ShouldBeAsync(() => store.LeftBytes > 20_000_000, true);
        (await lab.KnownAsync(b.Manifest)).ShouldBe(1);
        await Eventually.ShouldBeAsync(() => File.Exists(lab.Server.BlobFile(Samples.DigestOf(a.Layer))), false);
    }

    private static Task<CachingLab> StartAsync(Func<CacheOptions, CacheOptions>? set = null) => CachingLab.StartAsync(new LabPlan
    {
        Cache = cache => (set ?? (static options => options))(cache with { MaxBytes = Bound }),
    });

    /// <summary>Pulls an image that is new, two hours after the last.</summary>
    private static async Task<LabImage> PullNewAsync(CachingLab lab, string tag, int seed)
    {
        var image = await lab.PushAsync(tag, seed, Size);
        lab.Time.Advance(TimeSpan.FromHours(2));
        var now = lab.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await lab.ShouldPullAsync(image, tag);
        await NotedAsync(lab, image, now);
        return image;
    }

    // Pulls are written down once a minute, with the time of that. What has gone already has none.
    private static async Task NotedAsync(CachingLab lab, LabImage image, long sinceMs)
    {
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await Eventually.ShouldBeAsync(
            () => lab.Server.CountAsync($"SELECT COUNT(*) FROM manifests WHERE COALESCE(pulled_at, 0) < {sinceMs} AND blob_id = (SELECT id FROM blobs WHERE digest = {CachingLab.Literal(image.Manifest)})"), 0);
    }

    private static async Task UseAsync(CachingLab lab, LabImage image, string reference)
    {
        lab.Time.Advance(TimeSpan.FromHours(2));
        var now = lab.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await lab.ShouldPullAsync(lab.Manifest(reference), image.Manifest);
        await NotedAsync(lab, image, now);
    }

    private static async Task ShouldGoAsync(CachingLab lab, LabImage image)
    {
        await Eventually.ShouldBeAsync(() => lab.KnownAsync(image.Manifest), 0);
        await Eventually.ShouldBeAsync(() => lab.LinkedAsync(image.Layer), 0);
        await Eventually.ShouldBeAsync(() => File.Exists(lab.Server.BlobFile(Samples.DigestOf(image.Layer))), false);
        await Eventually.ShouldBeAsync(() => File.Exists(lab.Server.BlobFile(image.Digest)), false);
    }

    private static async Task PushOwnAsync(CachingLab lab, string repository, LabImage image)
    {
        foreach (var blob in image.Blobs)
        {
            using var pushed = await lab.Http.PostAsync(new Uri(lab.Server.Addresses[1], $"/v2/{repository}/blobs/uploads/?digest={Samples.DigestOf(blob)}"), new ByteArrayContent(blob));
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        }
        using var content = new ByteArrayContent(image.Manifest);
        content.Headers.ContentType = new(Oci.MediaTypes.OciManifest);
        using var put = await lab.Http.PutAsync(new Uri(lab.Server.Addresses[1], $"/v2/{repository}/manifests/v1"), content);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
    }
}
