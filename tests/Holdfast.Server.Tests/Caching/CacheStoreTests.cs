using System.Net;
using System.Text.Json;
using Holdfast.Server.Tests.Heal;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Caches beside hosted registries: checks, collection, retention and the journal know which is which.</summary>
public sealed class CacheStoreTests
{
    [Fact]
    public async Task Scrub_OfACacheWithoutAllChildrenAndLayers_FindsNothing()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var other = await lab.PushAsync("v2", 2, 1000);
        var index = Samples.Index(image.Manifest, other.Manifest);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "multi", index, Oci.MediaTypes.OciIndex);
        await lab.ShouldPullAsync(lab.Manifest("multi"), index);
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.ShouldBeKeptAsync(image.Layer);
        var result = await RunAsync(lab, "/api/v1/scrub/run");
        result.GetProperty("missing").GetInt64().ShouldBe(0);
        result.GetProperty("blobs").GetInt64().ShouldBeGreaterThan(0);
        for (var i = 0; i < 3; i++)
            lab.Time.Advance(TimeSpan.FromDays(8)); // All that runs by itself.
        await RunAsync(lab, "/api/v1/scrub/run");
        (await lab.Server.IncidentsAsync("state=open")).Incidents.Where(static incident => incident.Kind is not "check-overdue").ShouldBeEmpty();
        await lab.ShouldPullAsync(image, image.Digest.ToString());
    }

    [Fact]
    public async Task CollectionAndRetention_LeaveCachesAlone()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Server = options => options with
            {
                Retention = [new RetentionOptions { Registries = ["*"], Repositories = ["**"], KeepNewest = 1, UntaggedAfter = TimeSpan.FromMinutes(1), MaxRemovedPercent = 100 }],
            },
        });
        var images = new List<LabImage>();
        for (var i = 0; i < 4; i++)
        {
            images.Add(await lab.PushAsync(i == 3 ? "t2" : $"t{i}", i + 1, 1000));
            lab.Time.Advance(TimeSpan.FromMinutes(1));
            await lab.ShouldPullAsync(images[i], i == 3 ? "t2" : $"t{i}"); // The third has no tag any more.
        }
        for (var day = 0; day < 30; day += 5)
        {
            lab.Time.Advance(TimeSpan.FromDays(5));
            await RunAsync(lab, "/api/v1/collection/run");
        }
        using (var applied = await lab.Server.Admin.PostAsync("/api/v1/retention/apply", new StringContent("{}", null, "application/json")))
            applied.StatusCode.ShouldBe(HttpStatusCode.OK);
        await RunAsync(lab, "/api/v1/collection/run");
        lab.Proxy.Forget();
        foreach (var image in images)
            await lab.ShouldPullAsync(image, image.Digest.ToString());
        lab.Proxy.Requests.ShouldBeEmpty();
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(0);
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM tags")).ShouldBe(3);
    }

    /// <summary>What is lost of a cache can be had from the upstream; of a hosted registry it can't.</summary>
    [Fact, Promise("P1")]
    public async Task LostDatabase_LeavesHostedContentUnharmedAndCachesEmpty()
    {
        await using var lab = await CachingLab.StartAsync();
        var own = await PushOwnAsync(lab);
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        await lab.Server.StopAsync();
        foreach (var file in Directory.GetFiles(lab.Server.DataPath, "holdfast.db*"))
            File.Delete(file);
        await lab.Server.StartAsync();
        await lab.ShouldPullAsync("/v2/mine/manifests/v1", own.Manifest, listener: 1);
        foreach (var blob in own.Blobs)
            await lab.ShouldPullAsync($"/v2/mine/blobs/{Samples.DigestOf(blob)}", blob, listener: 1);
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM repositories r JOIN registries g ON g.id = r.registry_id WHERE g.kind = 2")).ShouldBe(0);
        (await lab.PullAsync($"/v2/_catalog", listener: 1)).Body.ShouldBe("""{"repositories":["mine"]}"""u8.ToArray());
        lab.Proxy.Forget();
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        var lost = await lab.PushAsync("v2", 2, 1000);
        await lab.ShouldPullAsync(lost, "v2");
        await lab.ShouldBeKeptAsync(lost.Layer);
        await lab.ShouldBeKeptAsync(lost.Blobs[0]);
        await lab.Server.StopAsync();
        foreach (var file in Directory.GetFiles(lab.Server.DataPath, "holdfast.db*"))
            File.Delete(file);
        await lab.Server.StartAsync();
        await ShouldBeCollectedAsync(lab, lost);
        await lab.ShouldPullAsync("/v2/mine/manifests/v1", own.Manifest, listener: 1);
    }

    [Fact]
    public async Task Journal_TellsNothingOfCaches()
    {
        await using var lab = await CachingLab.StartAsync();
        await PushOwnAsync(lab);
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        await lab.Server.StopAsync();
        // Without its journal the start writes one anew, of what the database has.
        var journal = Path.Combine(lab.Server.DataPath, "journal");
        Told(journal).ShouldNotContain(CachingLab.Repository);
        foreach (var file in Directory.GetFiles(journal))
            File.Delete(file);
        await lab.Server.StartAsync();
        await lab.Server.StopAsync();
        Told(journal).ShouldNotContain(CachingLab.Repository);
        Told(journal).ShouldContain("mine");
        await lab.Server.StartAsync();
    }

    [Fact, Promise("P9")]
    public async Task Kind_OfARegistryWithContent_CannotBeChanged()
    {
        await using var lab = await CachingLab.StartAsync();
        await PushOwnAsync(lab);
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        var right = lab.Server.Options;
        await lab.Server.StopAsync();
        lab.Server.Options = right with { Registries = [new RegistryOptions { Name = "own", Cache = right.Registries[1].Cache }, right.Registries[1]] };
        (await Should.ThrowAsync<InvalidDataException>(lab.Server.StartAsync().AsTask())).Message.ShouldContain("registry own is configured as a cache, but what it holds is a hosted registry's");
        lab.Server.Options = right with { Registries = [right.Registries[0], new RegistryOptions { Name = lab.Name }] };
        (await Should.ThrowAsync<InvalidDataException>(lab.Server.StartAsync().AsTask())).Message.ShouldContain("is configured as hosted, but what it holds is a cache's");
        lab.Server.Options = right;
        await lab.Server.StartAsync();
        await lab.ShouldPullAsync("/v2/mine/manifests/v1", LabImage.Create(70, 1000).Manifest, listener: 1);
        await lab.ShouldPullAsync(image, image.Digest.ToString());
    }

    /// <summary>What the one upstream said last is no last word of the other's.</summary>
    [Fact]
    public async Task Cache_OfAnotherUpstreamUnderTheSameName_SaysNothingOfTheFirst()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        var right = lab.Server.Options;
        await lab.Server.StopAsync();
        var cache = right.Registries[1].Cache!;
        lab.Server.Options = right with { Registries = [right.Registries[0], right.Registries[1] with { Cache = cache with { Upstream = cache.Upstream with { Namespace = "other.example" } } }] };
        await lab.Server.StartAsync();
        await lab.Proxy.KillAsync();
        foreach (var path in new[] { lab.Manifest("v1"), lab.Manifest(image.Digest), lab.Blob(image.Layer) })
            (await lab.PullAsync(path)).Status.ShouldBe(HttpStatusCode.BadGateway, path);
        await lab.Server.StopAsync();
        lab.Server.Options = right;
        await lab.Server.StartAsync();
        await lab.ShouldPullAsync(image, image.Digest.ToString());
    }

    [Fact]
    public async Task ManyCachesBehindOneListener_AreChosenByTheNamespace()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(lab.Manifest("v1") + "?ns=registry.example", image.Manifest, listener: 2);
        await lab.ShouldPullAsync(lab.Blob(image.Layer) + "?ns=registry.example", image.Layer, listener: 2);
        (await lab.PullAsync(lab.Manifest("v1") + "?ns=unknown.example", listener: 2)).Status.ShouldBe(HttpStatusCode.NotFound);
        lab.Proxy.Requests.ShouldAllBe(static asked => !asked.Target.Contains("ns=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Blob_ThatIsStoredForAnother_IsNotFetchedButAskedFor()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 70, 1000);
        await PushOwnAsync(lab);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Head("/blobs/"), Gate = gate, GateAt = -1, Times = 1 });
        var pulls = Enumerable.Range(0, 40).Select(_ => lab.PullAsync(lab.Blob(image.Layer))).ToList();
        await gate.Reached;
        gate.Open();
        foreach (var (status, body, _) in await Task.WhenAll(pulls))
            (status == HttpStatusCode.OK && body.AsSpan().SequenceEqual(image.Layer)).ShouldBeTrue();
        lab.Proxy.Requests.Select(static asked => asked.Method).ShouldBe(["HEAD"]);
        // What the upstream doesn't have is not given away because somebody else has it.
        var secret = Samples.Bytes(4711, 500);
        using var pushed = await lab.Http.PostAsync(new Uri(lab.Server.Addresses[1], $"/v2/mine/blobs/uploads/?digest={Samples.DigestOf(secret)}"), new ByteArrayContent(secret));
        pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await lab.PullAsync(lab.Blob(secret))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    private static async Task ShouldBeCollectedAsync(CachingLab lab, LabImage image)
    {
        // Nothing that only the lost database knew of goes before somebody has seen that it is lost.
        foreach (var incident in (await lab.Server.IncidentsAsync("state=open&kind=journal")).Incidents)
        {
            using var acknowledged = await lab.Server.Admin.PostAsync($"/api/v1/incidents/{incident.Id}/acknowledge", null);
            acknowledged.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        foreach (var file in image.Blobs.Append(image.Manifest).Select(content => lab.Server.BlobFile(Samples.DigestOf(content))))
        {
            await Eventually.ShouldBeAsync(
                async () =>
                {
                    lab.Time.Advance(TimeSpan.FromDays(2)); // Unknown files are looked for, taken in, and reviewed after the grace.
                    await RunAsync(lab, "/api/v1/collection/run");
                    return File.Exists(file);
                },
                false);
        }
    }

    private static string Told(string journal) => string.Concat(Directory.GetFiles(journal).Select(File.ReadAllText));

    private static async Task<JsonElement> RunAsync(CachingLab lab, string place)
    {
        using var response = await lab.Server.Admin.PostAsync(place, new StringContent("{}", null, "application/json"));
        var last = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        return JsonDocument.Parse(last).RootElement.GetProperty("result");
    }

    private static async Task<LabImage> PushOwnAsync(CachingLab lab)
    {
        var image = LabImage.Create(70, 1000);
        foreach (var blob in image.Blobs)
        {
            using var pushed = await lab.Http.PostAsync(new Uri(lab.Server.Addresses[1], $"/v2/mine/blobs/uploads/?digest={Samples.DigestOf(blob)}"), new ByteArrayContent(blob));
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        }
        using var content = new ByteArrayContent(image.Manifest);
        content.Headers.ContentType = new(Oci.MediaTypes.OciManifest);
        using var put = await lab.Http.PutAsync(new Uri(lab.Server.Addresses[1], "/v2/mine/manifests/v1"), content);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        return image;
    }
}
