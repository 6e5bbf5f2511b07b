using System.Net;
using System.Text.Json.Nodes;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

public sealed class ManifestTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    [Theory, Spec("1.1.1", "end-3"), Spec("1.1.1", "end-7")]
    [InlineData("GET", true)]
    [InlineData("HEAD", true)]
    [InlineData("GET", false)]
    [InlineData("HEAD", false)]
    public async Task Get_PushedImage_GivesTheSameBytesByTagAndDigest(string method, bool byTag)
    {
        var manifest = await registry.PushImageAsync("image", "v1", 1);
        var digest = Samples.DigestOf(manifest);
        using var response = await registry.SendAsync(new HttpMethod(method), $"/v2/image/manifests/{(byTag ? "v1" : digest)}");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.GetValues("Docker-Content-Digest").ShouldBe([digest.ToString()]);
        response.Content.Headers.ContentType!.ToString().ShouldBe(MediaTypes.OciManifest);
        response.Content.Headers.ContentLength.ShouldBe(manifest.Length);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(method == "GET" ? manifest : []);
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_Answers201WithLocationAndDigest()
    {
        var manifest = await registry.PushImageAsync("image", null, 2);
        using var response = await registry.PutManifestAsync("image", "located", manifest);
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.Location!.ToString().ShouldBe($"/v2/image/manifests/{Samples.DigestOf(manifest)}");
        response.Headers.GetValues("Docker-Content-Digest").ShouldBe([Samples.DigestOf(manifest).ToString()]);
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_ReformattedBytes_AreKeptAsTheyCame()
    {
        var (config, layer) = (Samples.Bytes(3, 10), Samples.Bytes(4, 10));
        await registry.PushBlobAsync("image", config);
        await registry.PushBlobAsync("image", layer);
        var json = Samples.ImageJson(config, layer);
        json["x.custom"] = new JsonObject { ["a"] = 1.50 };
        byte[] manifest = [.. " \n"u8, .. Samples.Json(json), .. "\n\t"u8];
        await registry.PushManifestAsync("image", "odd", manifest);
        using var response = await registry.GetAsync("/v2/image/manifests/odd");
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(manifest);
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_Sha512Digest_IsServedUnderIt()
    {
        var manifest = await registry.PushImageAsync("image", null, 5);
        var digest = Samples.DigestOf(manifest, DigestAlgorithm.Sha512);
        using (var put = await registry.PutManifestAsync("image", digest.ToString(), manifest))
            put.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var response = await registry.GetAsync($"/v2/image/manifests/{digest}");
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(manifest);
        response.Headers.GetValues("Docker-Content-Digest").ShouldBe([digest.ToString()]);
    }

    [Fact, Spec("1.1.1", "end-7"), Spec("1.1.1", "code-4")]
    public async Task Put_UnderAnotherDigest_Is400()
    {
        var manifest = await registry.PushImageAsync("image", null, 6);
        var other = Samples.DigestOf([1]);
        using var response = await registry.PutManifestAsync("image", other.ToString(), manifest);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.ErrorAsync()).Code.ShouldBe("DIGEST_INVALID");
        using var absent = await registry.HeadAsync($"/v2/image/manifests/{other}");
        absent.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Spec("dev", "end-7b")]
    public async Task Put_ByDigestWithTagParameters_SetsThemAll()
    {
        var manifest = await registry.PushImageAsync("tagged", null, 7);
        var tags = Enumerable.Range(0, 12).Select(i => $"t{i}").ToArray();
        using (var put = await registry.PutManifestAsync(
            "tagged", $"{Samples.DigestOf(manifest)}?{string.Join('&', tags.Select(t => $"tag={t}"))}", manifest))
        {
            put.StatusCode.ShouldBe(HttpStatusCode.Created);
            string.Join(", ", put.Headers.GetValues("OCI-Tag")).Split(", ").ShouldBe(tags);
        }
        foreach (var tag in tags)
        {
            using var response = await registry.HeadAsync($"/v2/tagged/manifests/{tag}");
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact, Spec("dev", "end-7b")]
    public async Task Put_TagParametersThatAreNone_SetNone()
    {
        var manifest = await registry.PushImageAsync("tagged2", null, 8);
        var digest = Samples.DigestOf(manifest);
        using (var bad = await registry.PutManifestAsync("tagged2", $"{digest}?tag=good&tag=-bad", manifest))
            bad.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using (var many = await registry.PutManifestAsync(
            "tagged2", $"{digest}?{string.Join('&', Enumerable.Range(0, 200).Select(i => $"tag=t{i}"))}", manifest))
            many.StatusCode.ShouldBe(HttpStatusCode.RequestUriTooLong);
        using var tags = await registry.GetAsync("/v2/tagged2/tags/list");
        (await tags.JsonAsync()).GetProperty("tags").GetArrayLength().ShouldBe(0);
    }

    [Fact, Spec("1.1.1", "end-7"), Promise("P2"), Spec("1.1.1", "code-5")]
    public async Task Put_WithMissingBlobs_NamesEveryOneAndStoresNothing()
    {
        var (config, present, absent1, absent2) = (Samples.Bytes(10, 9), Samples.Bytes(11, 9), Samples.Bytes(12, 9), Samples.Bytes(13, 9));
        await registry.PushBlobAsync("whole", present);
        var files = registry.StoredFiles();
        var manifest = Samples.Image(config, absent1, present, absent2);
        using (var response = await registry.PutManifestAsync("whole", "v1", manifest))
        {
            response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            var (code, detail) = await response.ErrorAsync();
            code.ShouldBe("MANIFEST_BLOB_UNKNOWN");
            detail.GetProperty("missing").EnumerateArray().Select(d => d.GetString())
                .ShouldBe([.. new[] { config, absent1, absent2 }.Select(b => Samples.DigestOf(b).ToString())]);
        }
        registry.StoredFiles().ShouldBe(files);
        using var get = await registry.GetAsync("/v2/whole/manifests/v1");
        get.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Promise("P2")]
    public async Task Put_IndexWithAMissingChild_Is400()
    {
        var child = await registry.PushImageAsync("whole", null, 20);
        var absent = Samples.Image(Samples.Bytes(21, 5));
        using var response = await registry.PutManifestAsync("whole", "index", Samples.Index(child, absent), MediaTypes.OciIndex);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var (code, detail) = await response.ErrorAsync();
        code.ShouldBe("MANIFEST_BLOB_UNKNOWN");
        detail.GetProperty("missing").EnumerateArray().Select(d => d.GetString()).ShouldBe([Samples.DigestOf(absent).ToString()]);
    }

    [Theory, Promise("P2")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Put_ChildOrLayerOfAnotherSize_Is400WithBothSizes(bool layer)
    {
        var child = await registry.PushImageAsync("whole", null, 22);
        var json = layer ? JsonNode.Parse(child)!.AsObject() : Samples.IndexJson(child);
        var edge = json[layer ? "layers" : "manifests"]![0]!;
        edge["size"] = JsonNode.Parse(edge["size"]!.ToJsonString())!.GetValue<long>() + 1;
        using var response = await registry.PutManifestAsync(
            "whole", "sized", Samples.Json(json), layer ? MediaTypes.OciManifest : MediaTypes.OciIndex);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var (code, detail) = await response.ErrorAsync();
        code.ShouldBe("MANIFEST_BLOB_UNKNOWN");
        var mismatch = detail.GetProperty("mismatched")[0];
        mismatch.GetProperty("statedSize").GetInt64().ShouldBe(mismatch.GetProperty("storedSize").GetInt64() + 1);
    }

    [Fact, Promise("P2")]
    public async Task Put_ChildOfAnotherRepository_Is400()
    {
        var child = await registry.PushImageAsync("here", null, 23);
        await registry.PushImageAsync("there", null, 24);
        using var response = await registry.PutManifestAsync("there", "index", Samples.Index(child), MediaTypes.OciIndex);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact, Promise("P2"), Promise("P4")]
    public async Task Put_LayerMissingOnDisk_Is400()
    {
        var (config, layer) = (Samples.Bytes(25, 50), Samples.Bytes(26, 60));
        await registry.PushBlobAsync("whole", config);
        File.Delete(registry.BlobFile(await registry.PushBlobAsync("whole", layer)));
        using var response = await registry.PutManifestAsync("whole", "disk", Samples.Image(config, layer));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.ErrorAsync()).Detail.GetProperty("missing")[0].GetString().ShouldBe(Samples.DigestOf(layer).ToString());
    }

    [Theory, Promise("P2")]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Put_IndexOverAChildThatLostALayer_Is400AndNamesTheLayer(int depth)
    {
        var (config, layer) = (Samples.Bytes(60 + depth, 50), Samples.Bytes(70 + depth, 60));
        await registry.PushBlobAsync("whole", config);
        var lost = await registry.PushBlobAsync("whole", layer);
        var child = Samples.Image(config, layer);
        await registry.PushManifestAsync("whole", null, child);
        for (var i = 0; i < depth; i++)
            await registry.PushManifestAsync("whole", null, child = Samples.Index(child), MediaTypes.OciIndex);
        File.Delete(registry.BlobFile(lost));

        using var response = await registry.PutManifestAsync("whole", "deep", Samples.Index(child), MediaTypes.OciIndex);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var missing = (await response.ErrorAsync()).Detail.GetProperty("missing");
        missing.EnumerateArray().Select(d => d.GetString()).ShouldBe([lost.ToString()]);
    }

    [Fact, Promise("P2")]
    public async Task Put_IndexOfABlobMissingOnDisk_Is400()
    {
        var layer = Samples.Bytes(80, 60);
        var lost = await registry.PushBlobAsync("whole", layer);
        File.Delete(registry.BlobFile(lost));
        using var response = await registry.PutManifestAsync("whole", "cache", Samples.Index(layer), MediaTypes.OciIndex);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.ErrorAsync()).Detail.GetProperty("missing")[0].GetString().ShouldBe(lost.ToString());
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_NestedAndEmptyIndexAndNoLayers_AreStored()
    {
        var child = await registry.PushImageAsync("shapes", null, 30);
        var inner = Samples.Index(child);
        await registry.PushManifestAsync("shapes", null, inner, MediaTypes.OciIndex);
        var outer = Samples.IndexJson(inner, child);
        outer["manifests"]![0]!["mediaType"] = MediaTypes.OciIndex;
        await registry.PushManifestAsync("shapes", "nested", Samples.Json(outer), MediaTypes.OciIndex);
        await registry.PushManifestAsync("shapes", "empty", Samples.Index(), MediaTypes.OciIndex);
        await registry.PushBlobAsync("shapes", "{}"u8.ToArray());
        await registry.PushManifestAsync("shapes", "no-layers", Samples.Image("{}"u8.ToArray()));
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_NonDistributableLayerThatIsAbsent_IsStored()
    {
        var config = Samples.Bytes(31, 20);
        await registry.PushBlobAsync("foreign", config);
        var json = Samples.ImageJson(config, Samples.Bytes(32, 20));
        json["layers"]![0]!["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
        json["layers"]![0]!["urls"] = new JsonArray("https://example.com/layer");
        await registry.PushManifestAsync("foreign", "v1", Samples.Json(json));
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_DockerSchema2AndList_AreServedWithTheirTypes()
    {
        var (config, layer) = (Samples.Bytes(33, 20), Samples.Bytes(34, 20));
        await registry.PushBlobAsync("docker", config);
        await registry.PushBlobAsync("docker", layer);
        var image = Samples.ImageJson(config, layer);
        image["mediaType"] = MediaTypes.DockerManifest;
        var bytes = Samples.Json(image);
        await registry.PushManifestAsync("docker", "v1", bytes, MediaTypes.DockerManifest);
        var list = Samples.IndexJson(bytes);
        list["mediaType"] = MediaTypes.DockerManifestList;
        await registry.PushManifestAsync("docker", "multi", Samples.Json(list), MediaTypes.DockerManifestList);
        using var response = await registry.GetAsync("/v2/docker/manifests/multi");
        response.Content.Headers.ContentType!.ToString().ShouldBe(MediaTypes.DockerManifestList);
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_FourMebibytes_IsStoredAndOneMoreByteIsNot()
    {
        var config = "{}"u8.ToArray();
        await registry.PushBlobAsync("large", config);
        var plain = Samples.Image(config);
        byte[] largest = [.. plain, .. Enumerable.Repeat((byte)' ', Manifest.MaxSizeBytes - plain.Length)];
        await registry.PushManifestAsync("large", "largest", largest);
        using (var over = await registry.PutManifestAsync("large", "over", [.. largest, (byte)' ']))
            over.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        var streamed = new StreamContent(new Unseekable(5 * 1024 * 1024));
        streamed.Headers.ContentType = new(MediaTypes.OciManifest);
        using (var chunked = await registry.SendAsync(HttpMethod.Put, "/v2/large/manifests/over", streamed))
            chunked.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        using var absent = await registry.HeadAsync("/v2/large/manifests/over");
        absent.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Spec("1.1.1", "end-7")]
    public async Task Put_ExistingTag_MovesIt()
    {
        await registry.PushImageAsync("moved", "latest", 40);
        var second = await registry.PushImageAsync("moved", "latest", 41);
        using var response = await registry.GetAsync("/v2/moved/manifests/latest");
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(second);
    }

    [Fact]
    public async Task Put_SameTagBySixteenClients_EndsOnOneOfThem()
    {
        var manifests = new List<byte[]>();
        for (var i = 0; i < 16; i++)
            manifests.Add(await registry.PushImageAsync("contested", null, 50 + i));
        await Task.WhenAll(manifests.Select(m => registry.PushManifestAsync("contested", "latest", m)));
        using var response = await registry.GetAsync("/v2/contested/manifests/latest");
        var winner = await response.Content.ReadAsByteArrayAsync();
        manifests.ShouldContain(m => m.SequenceEqual(winner));
        response.Headers.GetValues("Docker-Content-Digest").ShouldBe([Samples.DigestOf(winner).ToString()]);
    }

    [Theory, Spec("1.1.1", "content negotiation")]
    [InlineData(null, HttpStatusCode.OK)]
    [InlineData("*/*", HttpStatusCode.OK)]
    [InlineData("application/json", HttpStatusCode.OK)]
    [InlineData(MediaTypes.DockerManifest + ", " + MediaTypes.OciManifest + ";q=0.5", HttpStatusCode.OK)]
    [InlineData(MediaTypes.DockerManifest + ", */*;q=0.1", HttpStatusCode.OK)]
    [InlineData(MediaTypes.DockerManifest, HttpStatusCode.NotFound)]
    public async Task Get_WithAccept_ServesWhatTheClientUnderstands(string? accept, HttpStatusCode expected)
    {
        await registry.PushImageAsync("accepted", "v1", 70);
        using var response = accept is null
            ? await registry.GetAsync("/v2/accepted/manifests/v1")
            : await registry.GetAsync("/v2/accepted/manifests/v1", ("Accept", accept));
        response.StatusCode.ShouldBe(expected);
    }

    [Fact]
    public async Task Get_IfNoneMatch_Is304()
    {
        await registry.PushImageAsync("image", "etag", 71);
        using var first = await registry.GetAsync("/v2/image/manifests/etag");
        using var again = await registry.GetAsync("/v2/image/manifests/etag", ("If-None-Match", first.Headers.ETag!.ToString()));
        again.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Theory, Spec("1.1.1", "end-3"), Spec("1.1.1", "code-7")]
    [InlineData("/v2/nowhere/manifests/latest")]
    [InlineData("/v2/nowhere/manifests/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    public async Task Get_Unknown_Is404(string path)
    {
        using var response = await registry.GetAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await response.ErrorAsync()).Code.ShouldBe("MANIFEST_UNKNOWN");
    }

    private sealed class Unseekable(int size) : MemoryStream(new byte[size])
    {
        public override bool CanSeek => false;
    }
}
