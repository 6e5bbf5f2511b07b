using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Oci;
using Holdfast.Server.Caching;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>What is fetched before anybody asks: the rest of a pulled image, what is pinned, and what is named in a list.</summary>
public sealed class AheadTests
{
    private static readonly string[] Both = ["linux/amd64", "linux/arm64"];

    [Fact]
    public async Task Prefetch_OfAPulledIndex_BringsTheWantedPlatforms()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { PrefetchPlatforms = ["linux/arm64"] } });
        var (index, children) = await PushIndexAsync(lab, "multi", 1);
        await lab.ShouldPullAsync(lab.Manifest("multi"), index);
        await lab.ShouldBeKeptAsync(children[1].Layer);
        await lab.ShouldBeKeptAsync(children[1].Blobs[0]);
        (await lab.KnownAsync(children[1].Manifest)).ShouldBe(1);
        (await lab.KnownAsync(children[0].Manifest)).ShouldBe(0);
        await lab.Proxy.KillAsync();
        await lab.ShouldPullAsync(lab.Manifest(children[1].Digest), children[1].Manifest);
        await lab.ShouldPullAsync(lab.Blob(children[1].Layer), children[1].Layer);
    }

    [Fact]
    public async Task Prefetch_BesideAClient_FetchesNothingTwice()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { PrefetchPlatforms = Both } });
        var (index, children) = await PushIndexAsync(lab, "multi", 1);
        await lab.ShouldPullAsync(lab.Manifest("multi"), index);
        foreach (var child in children)
            await lab.ShouldPullAsync(child, child.Digest.ToString());
        foreach (var blob in children.SelectMany(static child => child.Blobs))
            await lab.ShouldBeKeptAsync(blob);
        lab.Proxy.Requests.Where(static asked => asked.Method == "GET").Select(static asked => asked.Target).ShouldBeUnique();
    }

    [Fact]
    public async Task Pins_AreBroughtInWholeAndKeptFresh()
    {
        LabImage? first = null;
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Pins = [$"{CachingLab.Repository}:stable"] } });
        first = await lab.PushAsync("stable", 1, 100_000);
        lab.Time.Advance(TimeSpan.FromMinutes(15));
        await lab.ShouldBeKeptAsync(first.Layer);
        var renewed = await lab.PushAsync("stable", 2, 100_000);
        await AdvanceUntilKeptAsync(lab, renewed.Layer);
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromSeconds(2));
        await lab.ShouldPullAsync(renewed, "stable");
    }

    [Fact]
    public async Task Warm_BringsWholeImagesInAndSaysWhatIsMissing()
    {
        await using var lab = await CachingLab.StartAsync();
        var (index, children) = await PushIndexAsync(lab, "multi", 1);
        var image = await lab.PushAsync("v1", 9, 100_000);
        var order = $$"""{"images":["registry.example/{{CachingLab.Repository}}:multi","registry.example/{{CachingLab.Repository}}@{{image.Digest}}","registry.example/{{CachingLab.Repository}}:nope"],"platforms":["linux/amd64"]}""";
        var result = await WarmAsync(lab, order);
        result.Images.ShouldBe(3);
        result.Objects.ShouldBe(1 + 3 + 3);
        result.Failed.ShouldHaveSingleItem().Image.ShouldEndWith(":nope");
        (await lab.KnownAsync(children[1].Manifest)).ShouldBe(0);
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromSeconds(2));
        await lab.ShouldPullAsync(lab.Manifest("multi"), index);
        await lab.ShouldPullAsync(children[0], children[0].Digest.ToString());
        await lab.ShouldPullAsync(image, image.Digest.ToString());
        lab.Proxy.Revive();
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        var again = await WarmAsync(lab, order);
        (again.Objects, again.Bytes).ShouldBe((0, 0));
    }

    /// <summary>What one platform lacks upstream is said by name, and the rest is brought in all the same.</summary>
    [Fact]
    public async Task Warm_OfAnImageThatIsBrokenUpstream_NamesWhatIsMissing()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000, 2000);
        lab.Proxy.Add(new Fault { Of = Fault.Any(Samples.DigestOf(image.Layer).ToString()), Status = 404 });
        var result = await WarmAsync(lab, $$"""{"images":["registry.example/{{CachingLab.Repository}}:v1"]}""");
        result.Failed.ShouldHaveSingleItem().Problems.ShouldHaveSingleItem().ShouldContain(Samples.DigestOf(image.Layer).ToString());
        await lab.ShouldBeKeptAsync(image.Blobs[2]);
    }

    /// <summary>As Go programs write what is absent.</summary>
    [Fact]
    public async Task Warm_OfAnIndexWithAConfigOfNull_BringsItInWhole()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var json = Samples.IndexJson(image.Manifest);
        (json["config"], json["layers"]) = (null, null);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "nulls", Samples.Json(json), MediaTypes.OciIndex);
        var result = await WarmAsync(lab, $$"""{"images":["registry.example/{{CachingLab.Repository}}:nulls"]}""");
        result.Failed.ShouldBeEmpty();
        await lab.ShouldBeKeptAsync(image.Layer);
    }

    /// <summary>A manifest of 4 MiB has room for tens of thousands of layers, and an index for many such.</summary>
    [Fact, Promise("P10")]
    public async Task Warm_OfAnImageOfTooManyLayers_AsksForNoneOfThem()
    {
        await using var lab = await CachingLab.StartAsync();
        var layers = Enumerable.Range(0, 10_001).Select(static i => Samples.Descriptor("application/octet-stream", BitConverter.GetBytes(i)));
        var manifest = Samples.Json(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = MediaTypes.OciManifest,
            ["config"] = Samples.Descriptor("application/octet-stream", [1]),
            ["layers"] = new JsonArray([.. layers]),
        });
        var digest = Samples.DigestOf(manifest);
        lab.Proxy.Add(new Fault { Of = Fault.Get($"/manifests/{digest}"), Status = 200, Body = manifest, Headers = [("Content-Type", MediaTypes.OciManifest)] });
        var result = await WarmAsync(lab, $$"""{"images":["registry.example/{{CachingLab.Repository}}@{{digest}}"]}""");
        result.Failed.ShouldHaveSingleItem().Problems.ShouldHaveSingleItem().ShouldContain("more than 10000");
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(0);
        await lab.ShouldPullAsync(lab.Manifest(digest), manifest);
    }

    /// <summary>As build caches do: an index that lists layers instead of images.</summary>
    [Fact]
    public async Task Warm_OfAnIndexThatListsBlobs_BringsThem()
    {
        await using var lab = await CachingLab.StartAsync();
        var layers = new[] { Samples.Bytes(1, 100_000), Samples.Bytes(2, 1000) };
        foreach (var layer in layers)
            await lab.Origin.PushBlobAsync(CachingLab.Repository, layer);
        var index = Samples.Json(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = MediaTypes.OciIndex,
            ["manifests"] = new JsonArray([.. layers.Select(static layer => Samples.Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer))]),
        });
        var digest = Samples.DigestOf(index);
        lab.Proxy.Add(new Fault { Of = Fault.Any($"/manifests/{digest}"), Status = 200, Body = index, Headers = [("Content-Type", MediaTypes.OciIndex)] });
        var result = await WarmAsync(lab, $$"""{"images":["registry.example/{{CachingLab.Repository}}@{{digest}}"],"platforms":["linux/amd64"]}""");
        result.Failed.ShouldBeEmpty();
        result.Objects.ShouldBe(1 + layers.Length);
        foreach (var layer in layers)
            (await lab.LinkedAsync(layer)).ShouldBe(1);
    }

    /// <summary>A list of everything that runs in a cluster has images of other registries, too; they keep nothing from being fetched.</summary>
    [Fact]
    public async Task Warm_OfSomeThatHaveNoCacheHere_FetchesTheOthersAndNamesThem()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var result = await WarmAsync(lab, $$"""{"images":["quay.io/team/app:v1","registry.example/{{CachingLab.Repository}}:v1"]}""");
        var failed = result.Failed.ShouldHaveSingleItem();
        failed.Image.ShouldBe("quay.io/team/app:v1");
        failed.Problems.ShouldBe(["there is no cache of quay.io; there are caches of registry.example"]);
        await lab.ShouldBeKeptAsync(image.Layer);
    }

    [Theory]
    [InlineData("""{"images":["registry.example/A","registry.example/ok","quay.io/b c"]}""", HttpStatusCode.BadRequest, "'registry.example/A', 'quay.io/b c' are not names of images; nothing was fetched")]
    [InlineData("""{"images":["quay.io/team/app:v1"]}""", HttpStatusCode.NotFound, "there is no cache of quay.io")]
    [InlineData("""{"images":["registry.example/Team/App:v1"]}""", HttpStatusCode.BadRequest, "is not the name of an image")]
    [InlineData("""{"images":["registry.example/app@sha256:12"]}""", HttpStatusCode.BadRequest, "is not the name of an image")]
    [InlineData("""{"images":[]}""", HttpStatusCode.BadRequest, "name 1 to")]
    [InlineData("{}", HttpStatusCode.BadRequest, "name 1 to")]
    [InlineData("""{"images":["registry.example/app"],"platform":"linux/amd64"}""", HttpStatusCode.BadRequest, "platform")]
    [InlineData("""{"images":["registry.example/app",null]}""", HttpStatusCode.BadRequest, "image")]
    [InlineData("""{"images":["registry.example/app"],"platforms":["amd64"]}""", HttpStatusCode.BadRequest, "os/architecture")]
    public async Task Warm_ThatCannotBe_IsRefusedBeforeItBegins(string order, HttpStatusCode status, string says)
    {
        await using var lab = await CachingLab.StartAsync();
        using var response = await lab.Server.Admin.PostAsync("/api/v1/caches/warm", new StringContent(order, null, "application/json"));
        response.StatusCode.ShouldBe(status);
        (await response.Content.ReadAsStringAsync()).ShouldContain(says);
        lab.Proxy.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Caches_TellTheirSizeAndTheirMirrors()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { MaxBytes = 1 << 30 } });
        var image = await lab.PushAsync("v1", 1, 100_000);
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        await lab.ShouldBeKeptAsync(image.Blobs[0]);
        lab.Proxy.Add(new Fault { Of = Fault.Any("/"), Status = 429, Headers = [("Retry-After", "300"), ("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")] });
        lab.Time.Advance(TimeSpan.FromSeconds(2));
        (await lab.PullAsync(lab.Manifest("v2"))).Status.ShouldBe(HttpStatusCode.TooManyRequests);
        using var document = JsonDocument.Parse(await lab.Server.Admin.GetStringAsync("/api/v1/caches"));
        var cache = document.RootElement.GetProperty("caches").EnumerateArray().ShouldHaveSingleItem();
        cache.GetProperty("name").GetString().ShouldBe(lab.Name);
        cache.GetProperty("namespace").GetString().ShouldBe("registry.example");
        cache.GetProperty("sizeBytes").GetInt64().ShouldBe(100_050 + image.Manifest.Length);
        cache.GetProperty("maxBytes").GetInt64().ShouldBe(1 << 30);
        var mirror = cache.GetProperty("mirrors").EnumerateArray().ShouldHaveSingleItem();
        mirror.GetProperty("state").GetString().ShouldBe("resting");
        mirror.GetProperty("host").GetString().ShouldBe(lab.Proxy.Address.Authority);
        mirror.GetProperty("why").GetString()!.ShouldContain("429");
        (mirror.GetProperty("limit").GetInt64(), mirror.GetProperty("remaining").GetInt64()).ShouldBe((100, 0));
    }

    private static async Task AdvanceUntilKeptAsync(CachingLab lab, byte[] content)
    {
        // The look that runs just now may have seen the tag before it moved.
        await Eventually.ShouldBeAsync(
            async () =>
            {
                lab.Time.Advance(TimeSpan.FromMinutes(15));
                return await lab.LinkedAsync(content);
            },
            1);
    }

    private static async Task<WarmResult> WarmAsync(CachingLab lab, string order)
    {
        using var response = await lab.Server.Admin.PostAsync("/api/v1/caches/warm", new StringContent(order, null, "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        var last = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        return JsonDocument.Parse(last).RootElement.GetProperty("result").Deserialize<WarmResult>(AdminJson.Answers)!;
    }

    private static async Task<(byte[] Index, LabImage[] Children)> PushIndexAsync(CachingLab lab, string tag, int seed)
    {
        var children = Both.Select((_, i) => LabImage.Create(seed + i + 50, 100_000)).ToArray();
        foreach (var child in children)
        {
            foreach (var blob in child.Blobs)
                await lab.Origin.PushBlobAsync(CachingLab.Repository, blob);
            await lab.Origin.PushManifestAsync(CachingLab.Repository, null, child.Manifest);
        }
        var json = Samples.IndexJson([.. children.Select(static child => child.Manifest)]);
        for (var i = 0; i < Both.Length; i++)
        {
            var platform = Both[i].Split('/');
            json["manifests"]![i]!["platform"] = new JsonObject { ["os"] = platform[0], ["architecture"] = platform[1] };
        }
        var index = Samples.Json(json);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, tag, index, MediaTypes.OciIndex);
        return (index, children);
    }
}
