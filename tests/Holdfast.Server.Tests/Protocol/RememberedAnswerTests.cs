using System.Net;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>What was answered before is remembered; every change shows all the same, as soon as it is acknowledged.</summary>
public sealed class RememberedAnswerTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    [Fact, Promise("P4")]
    public async Task Get_ManifestAfterRetagAndDelete_IsAsTheyLeftIt()
    {
        var first = await registry.PushImageAsync("mem/tags", "v1", 1);
        await ShouldServeAsync("/v2/mem/tags/manifests/v1", first);
        var second = await registry.PushImageAsync("mem/tags", "v1", 2);
        await ShouldServeAsync("/v2/mem/tags/manifests/v1", second);
        await ShouldServeAsync($"/v2/mem/tags/manifests/{Samples.DigestOf(second)}", second);
        (await registry.DeleteAsync("/v2/mem/tags/manifests/v1")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await registry.GetAsync("/v2/mem/tags/manifests/v1")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await ShouldServeAsync($"/v2/mem/tags/manifests/{Samples.DigestOf(second)}", second);
        (await registry.DeleteAsync($"/v2/mem/tags/manifests/{Samples.DigestOf(second)}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await registry.GetAsync($"/v2/mem/tags/manifests/{Samples.DigestOf(second)}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Promise("P4")]
    public async Task Blob_AfterDelete_IsUnknownAndAfterAPushThereAgain()
    {
        var digest = await registry.PushBlobAsync("mem/blobs", Samples.Bytes(3, 100));
        var path = $"/v2/mem/blobs/blobs/{digest}";
        for (var i = 0; i < 2; i++)
        {
            await ShouldServeAsync(path, Samples.Bytes(3, 100));
            (await registry.HeadAsync(path)).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await registry.DeleteAsync(path)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
            (await registry.HeadAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
            await registry.PushBlobAsync("mem/blobs", Samples.Bytes(3, 100));
        }
        // What is remembered of the row says nothing of the file.
        (await registry.HeadAsync(path)).StatusCode.ShouldBe(HttpStatusCode.OK);
        File.Delete(registry.BlobFile(digest));
        (await registry.HeadAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Blob_OfAnotherRepository_IsNotTheOneThatIsRemembered()
    {
        var digest = await registry.PushBlobAsync("mem/here", Samples.Bytes(4, 100));
        (await registry.HeadAsync($"/v2/mem/here/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await registry.HeadAsync($"/v2/mem/there/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Promise("P4")]
    public async Task Get_TagsAfterEachPushAndDelete_ListsThoseThereAre()
    {
        const string Path = "/v2/mem/lists/tags/list";
        (await registry.GetAsync(Path)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await registry.PushImageAsync("mem/lists", "b", 10);
        await ShouldListAsync(Path, "b");
        await registry.PushImageAsync("mem/lists", "a", 10);
        await ShouldListAsync(Path, "a", "b");
        await registry.PushImageAsync("mem/lists-too", "z", 10);
        await ShouldListAsync(Path, "a", "b");
        await ShouldListAsync("/v2/mem/lists-too/tags/list", "z");
        var manifest = await registry.PushImageAsync("mem/lists", "c", 11);
        await ShouldListAsync(Path, "a", "b", "c");
        (await registry.DeleteAsync("/v2/mem/lists/manifests/b")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await ShouldListAsync(Path, "a", "c");
        (await registry.DeleteAsync($"/v2/mem/lists/manifests/{Samples.DigestOf(manifest)}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await ShouldListAsync(Path, "a");
    }

    [Fact]
    public async Task Get_PagesOfTags_AreRememberedEachForItself()
    {
        const string Path = "/v2/mem/pages/tags/list";
        foreach (var tag in (string[])["a", "b", "c"])
            await registry.PushImageAsync("mem/pages", tag, 12);
        for (var i = 0; i < 2; i++)
        {
            (await PageAsync($"{Path}?n=2")).ShouldBe("a b next</v2/mem/pages/tags/list?n=2&last=b>; rel=\"next\"");
            (await PageAsync($"{Path}?n=2&last=a")).ShouldBe("b c");
            (await PageAsync($"{Path}?n=1&last=a")).ShouldBe("b next</v2/mem/pages/tags/list?n=1&last=b>; rel=\"next\"");
            (await PageAsync($"{Path}?n=2&last=b")).ShouldBe("c");
            (await PageAsync($"{Path}?n=0")).ShouldBe("");
            (await PageAsync(Path)).ShouldBe("a b c");
            using var head = await registry.HeadAsync($"{Path}?n=2");
            head.Headers.GetValues("Link").ShouldBe(["</v2/mem/pages/tags/list?n=2&last=b>; rel=\"next\""]);
            head.Content.Headers.ContentLength.ShouldBe("""{"name":"mem/pages","tags":["a","b"]}""".Length);
        }
    }

    [Fact]
    public async Task Get_ReferrersAfterEachPushAndDelete_ListsThoseThereAre()
    {
        var subject = await registry.PushImageAsync("mem/refs", "v1", 5);
        var path = $"/v2/mem/refs/referrers/{Samples.DigestOf(subject)}";
        var referrers = new List<Digest>();
        (await CountAsync(path)).ShouldBe(0);
        for (var i = 0; i < 3; i++)
        {
            var config = Samples.Bytes(6 + i, 40);
            await registry.PushBlobAsync("mem/refs", config);
            var referrer = Samples.ImageJson(config);
            referrer["subject"] = Samples.Descriptor(MediaTypes.OciManifest, subject);
            // Small ones are sorted with their texts, large ones without.
            referrer["annotations"] = new System.Text.Json.Nodes.JsonObject { ["a"] = new string('x', 10 + (1_500 * i)) };
            referrers.Add(await registry.PushManifestAsync("mem/refs", null, Samples.Json(referrer)));
            (await CountAsync(path)).ShouldBe(i + 1);
            (await CountAsync(path)).ShouldBe(i + 1);
        }
        (await CountAsync(path + "?n=2")).ShouldBe(2);
        (await CountAsync(path + "?artifactType=application/x")).ShouldBe(0);
        (await registry.DeleteAsync($"/v2/mem/refs/manifests/{referrers[1]}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await CountAsync(path)).ShouldBe(2);
    }

    [Fact]
    public async Task Get_OfTwoRegistriesWithTheSameRepository_AnswersEachFromItsOwn()
    {
        var both = new RegistryFixture();
        both.Options = both.Options with
        {
            Listeners = [.. ((string[])["one", "two"]).Select(static name => new ListenerOptions { Url = new Uri("http://127.0.0.1:0"), Registry = name })],
            Registries = [new RegistryOptions { Name = "one" }, new RegistryOptions { Name = "two" }],
        };
        await both.InitializeAsync();
        await using var stopped = both;
        var places = both.Addresses.Select(static address => new Uri(address, "/v2/mem/same/").ToString()).ToList();
        var subject = Samples.Bytes(20, 100);
        var images = new List<(byte[] Manifest, Digest Config)>();
        foreach (var place in places)
        {
            var config = Samples.Bytes(21 + images.Count, 40);
            (await both.SendAsync(HttpMethod.Post, $"{place}blobs/uploads/?digest={Samples.DigestOf(config)}", new ByteArrayContent(config))).StatusCode.ShouldBe(HttpStatusCode.Created);
            var image = Samples.ImageJson(config);
            image["subject"] = Samples.Descriptor(MediaTypes.OciManifest, subject);
            var manifest = Samples.Json(image);
            foreach (var tag in (string[])["same", $"own{images.Count}"])
            {
                using var content = new ByteArrayContent(manifest);
                content.Headers.ContentType = new(MediaTypes.OciManifest);
                (await both.SendAsync(HttpMethod.Put, $"{place}manifests/{tag}", content)).StatusCode.ShouldBe(HttpStatusCode.Created);
            }
            images.Add((manifest, Samples.DigestOf(config)));
        }
        // From the database, then from memory.
        for (var turn = 0; turn < 4; turn++)
        {
            var (place, image, other) = (places[turn % 2], images[turn % 2], images[(turn + 1) % 2]);
            (await PageAsync(both, $"{place}tags/list")).ShouldBe($"own{turn % 2} same");
            using var manifest = await both.GetAsync($"{place}manifests/same");
            (await manifest.Content.ReadAsByteArrayAsync()).ShouldBe(image.Manifest);
            (await both.HeadAsync($"{place}blobs/{image.Config}")).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await both.HeadAsync($"{place}blobs/{other.Config}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
            using var referrers = await both.GetAsync($"{place}referrers/{Samples.DigestOf(subject)}");
            (await referrers.JsonAsync()).GetProperty("manifests").EnumerateArray().Select(static one => one.GetProperty("digest").GetString())
                .ShouldBe([Samples.DigestOf(image.Manifest).ToString()]);
        }
    }

    private Task<string> PageAsync(string path) => PageAsync(registry, path);

    private static async Task<string> PageAsync(RegistryFixture registry, string path)
    {
        using var response = await registry.GetAsync(path);
        var tags = (await response.JsonAsync()).GetProperty("tags").EnumerateArray().Select(static tag => tag.GetString());
        return string.Join(' ', tags.Concat(response.Headers.TryGetValues("Link", out var links) ? links.Select(static link => "next" + link) : []));
    }

    // Twice: from the database, then from memory.
    private async Task ShouldListAsync(string path, params string[] tags)
    {
        for (var i = 0; i < 2; i++)
            (await PageAsync(path)).ShouldBe(string.Join(' ', tags));
    }

    private async Task<int> CountAsync(string path)
    {
        using var response = await registry.GetAsync(path);
        return (await response.JsonAsync()).GetProperty("manifests").GetArrayLength();
    }

    // Twice: from the database, then from memory.
    private async Task ShouldServeAsync(string path, byte[] expected)
    {
        for (var i = 0; i < 2; i++)
        {
            using var response = await registry.GetAsync(path);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await response.Content.ReadAsByteArrayAsync()).ShouldBe(expected);
            response.Headers.GetValues("Docker-Content-Digest").ShouldBe([Samples.DigestOf(expected).ToString()]);
        }
    }
}
