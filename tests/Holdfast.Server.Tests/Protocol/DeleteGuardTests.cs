using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>What a client can't delete because something live needs it (P3), and what of a delete it sees at once.</summary>
public sealed class DeleteGuardTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private async Task<HttpStatusCode> StatusAsync(HttpMethod method, string path)
    {
        using var response = await registry.SendAsync(method, path);
        return response.StatusCode;
    }

    private Task<HttpStatusCode> DeleteAsync(string path) => StatusAsync(HttpMethod.Delete, path);

    private async Task<string> TextAsync(string path)
    {
        using var response = await registry.GetAsync(path);
        return await response.Content.ReadAsStringAsync();
    }

    [Fact, Spec("1.1.1", "end-10"), Promise("P3")]
    public async Task Delete_ConfigInUse_Is409AndSaysWhatToDoNext()
    {
        var config = Samples.Bytes(201, 30);
        var digest = await registry.PushBlobAsync("guard/config", config);
        var image = Samples.DigestOf(await registry.PushImageOfAsync("guard/config", "v1", config));
        using (var refused = await registry.DeleteAsync($"/v2/guard/config/blobs/{digest}"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            var body = await refused.Content.ReadAsStringAsync();
            body.ShouldContain("delete them first (detail.holders)");
            body.ShouldContain(image.ToString());
        }
        (await StatusAsync(HttpMethod.Get, $"/v2/guard/config/blobs/{digest}")).ShouldBe(HttpStatusCode.OK);
    }

    [Fact, Spec("1.1.1", "end-9"), Promise("P3")]
    public async Task Delete_ChildOfManyIndexes_NamesTwentyAndCountsTheLiveOnes()
    {
        var child = await registry.PushImageAsync("guard/many", null, 210);
        var indexes = new List<Digest>();
        for (var i = 0; i < 25; i++)
        {
            var json = Samples.IndexJson(child);
            json["annotations"] = new JsonObject { ["n"] = $"{i}" };
            indexes.Add(await registry.PushManifestAsync("guard/many", $"i{i}", Samples.Json(json), MediaTypes.OciIndex));
        }
        (await DeleteAsync($"/v2/guard/many/manifests/{indexes[0]}")).ShouldBe(HttpStatusCode.Accepted);
        (await DeleteAsync($"/v2/guard/many/manifests/{indexes[1]}")).ShouldBe(HttpStatusCode.Accepted);
        using var refused = await registry.DeleteAsync($"/v2/guard/many/manifests/{Samples.DigestOf(child)}");
        refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        var (code, detail) = await refused.ErrorAsync();
        code.ShouldBe("DENIED");
        detail.GetProperty("holderCount").GetInt64().ShouldBe(23);
        var holders = detail.GetProperty("holders").EnumerateArray().Select(holder => holder.GetString()).ToList();
        holders.Count.ShouldBe(20);
        holders.ShouldBeSubsetOf(indexes.Skip(2).Select(index => index.ToString()));
    }

    [Fact, Spec("1.1.1", "end-9"), Promise("P3")]
    public async Task Delete_NestedIndexes_GoFromTheOutsideIn()
    {
        var image = await registry.PushImageAsync("guard/nested", null, 220);
        var inner = Samples.Index(image);
        await registry.PushManifestAsync("guard/nested", null, inner, MediaTypes.OciIndex);
        var json = Samples.IndexJson(inner);
        json["manifests"]![0]!["mediaType"] = MediaTypes.OciIndex;
        var outer = Samples.Json(json);
        await registry.PushManifestAsync("guard/nested", "v1", outer, MediaTypes.OciIndex);

        (await DeleteAsync(PathOf(inner))).ShouldBe(HttpStatusCode.Conflict);
        (await DeleteAsync(PathOf(image))).ShouldBe(HttpStatusCode.Conflict);
        (await DeleteAsync("/v2/guard/nested/manifests/v1")).ShouldBe(HttpStatusCode.Accepted, "a tag can always go");
        (await DeleteAsync(PathOf(inner))).ShouldBe(HttpStatusCode.Conflict, "the outer index is still there by digest");
        (await DeleteAsync(PathOf(outer))).ShouldBe(HttpStatusCode.Accepted);
        foreach (var below in new[] { inner, image })
            (await StatusAsync(HttpMethod.Get, PathOf(below))).ShouldBe(HttpStatusCode.OK, "children of a deleted index stay pullable by digest");
        (await DeleteAsync(PathOf(image))).ShouldBe(HttpStatusCode.Conflict);
        (await DeleteAsync(PathOf(inner))).ShouldBe(HttpStatusCode.Accepted);
        (await DeleteAsync(PathOf(image))).ShouldBe(HttpStatusCode.Accepted);
        (await DeleteAsync(PathOf(image))).ShouldBe(HttpStatusCode.NotFound, "it is gone for clients");

        static string PathOf(byte[] manifest) => $"/v2/guard/nested/manifests/{Samples.DigestOf(manifest)}";
    }

    [Fact, Spec("1.1.1", "end-10"), Promise("P3")]
    public async Task Delete_LayerThatACacheIndexLists_Is409UntilTheIndexIsGone()
    {
        // BuildKit's cache: an index whose children are layers and a config, pushed as blobs.
        var layer = Samples.Bytes(231, 40);
        var digest = await registry.PushBlobAsync("guard/cache", layer);
        var json = Samples.IndexJson();
        json["manifests"] = new JsonArray(Samples.Descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", layer));
        var index = Samples.Json(json);
        await registry.PushManifestAsync("guard/cache", "cache", index, MediaTypes.OciIndex);
        using (var refused = await registry.DeleteAsync($"/v2/guard/cache/blobs/{digest}"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await refused.ErrorAsync()).Detail.GetProperty("holders")[0].GetString().ShouldBe(Samples.DigestOf(index).ToString());
        }
        (await DeleteAsync($"/v2/guard/cache/manifests/{Samples.DigestOf(index)}")).ShouldBe(HttpStatusCode.Accepted);
        (await DeleteAsync($"/v2/guard/cache/blobs/{digest}")).ShouldBe(HttpStatusCode.Accepted);
        (await DeleteAsync($"/v2/guard/cache/blobs/{digest}")).ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory, Promise("P2")]
    [InlineData(MediaTypes.OciManifest)]
    [InlineData(MediaTypes.OciIndex)]
    [InlineData(MediaTypes.DockerManifest)]
    [InlineData(MediaTypes.DockerManifestList)]
    public async Task Put_IndexOfAManifestThatIsThereAsABlobAlone_Is400(string mediaType)
    {
        // Nobody could pull it, and its config and layers were never looked for.
        var child = Samples.Image(Samples.Bytes(232, 50), Samples.Bytes(233, 500));
        var digest = await registry.PushBlobAsync("guard/shell", child);
        var json = Samples.IndexJson();
        json["manifests"] = new JsonArray(Samples.Descriptor(mediaType, child), Samples.Descriptor(mediaType, child));
        using var refused = await registry.PutManifestAsync("guard/shell", "v1", Samples.Json(json), MediaTypes.OciIndex);
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var (code, detail) = await refused.ErrorAsync();
        code.ShouldBe("MANIFEST_BLOB_UNKNOWN");
        detail.GetProperty("missing").EnumerateArray().ShouldHaveSingleItem().GetString().ShouldBe(digest.ToString());
    }

    [Fact, Spec("1.1.1", "end-12a"), Promise("P3")]
    public async Task Delete_Subject_LeavesItsReferrersListed()
    {
        var image = await registry.PushImageAsync("guard/subject", "v1", 240);
        var config = Samples.Bytes(241, 30);
        await registry.PushBlobAsync("guard/subject", config);
        var json = Samples.ImageJson(config);
        json["subject"] = Samples.Descriptor(MediaTypes.OciManifest, image);
        var signature = await registry.PushManifestAsync("guard/subject", null, Samples.Json(json));
        (await DeleteAsync($"/v2/guard/subject/manifests/{Samples.DigestOf(image)}")).ShouldBe(HttpStatusCode.Accepted);
        var referrers = $"/v2/guard/subject/referrers/{Samples.DigestOf(image)}";
        (await TextAsync(referrers)).ShouldContain(signature.ToString());
        (await DeleteAsync($"/v2/guard/subject/manifests/{signature}")).ShouldBe(HttpStatusCode.Accepted);
        (await TextAsync(referrers)).ShouldNotContain(signature.ToString());
    }

    [Fact, Spec("1.1.1", "end-9"), Promise("P7")]
    public async Task Delete_LastManifest_IsVisibleAtOnceEverywhere()
    {
        var content = Samples.Bytes(251, 30);
        var blob = await registry.PushBlobAsync("guard/last", content);
        var image = await registry.PushImageOfAsync("guard/last", "v1", content);
        (await TextAsync("/v2/_catalog?n=1000")).ShouldContain("\"guard/last\"");
        (await DeleteAsync($"/v2/guard/last/manifests/{Samples.DigestOf(image)}")).ShouldBe(HttpStatusCode.Accepted);
        (await DeleteAsync($"/v2/guard/last/blobs/{blob}")).ShouldBe(HttpStatusCode.Accepted);

        foreach (var path in new[] { "manifests/v1", $"manifests/{Samples.DigestOf(image)}", $"blobs/{blob}" })
        {
            (await StatusAsync(HttpMethod.Head, $"/v2/guard/last/{path}")).ShouldBe(HttpStatusCode.NotFound, path);
            (await StatusAsync(HttpMethod.Get, $"/v2/guard/last/{path}")).ShouldBe(HttpStatusCode.NotFound, path);
        }
        (await TextAsync("/v2/guard/last/tags/list")).ShouldNotContain("v1");
        (await TextAsync("/v2/_catalog?n=1000")).ShouldNotContain("\"guard/last\"");
        (await StatusAsync(HttpMethod.Post, $"/v2/guard/mounts/blobs/uploads/?mount={blob}&from=guard/last")).ShouldBe(HttpStatusCode.Accepted, "there is nothing to mount");
        using (var refused = await registry.PutManifestAsync("guard/last", "v2", image))
            refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest, "the trash isn't part of a closure");

        // Pushed again, all of it is there again.
        await registry.PushBlobAsync("guard/last", content);
        await registry.PushManifestAsync("guard/last", "v1", image);
        (await StatusAsync(HttpMethod.Get, "/v2/guard/last/manifests/v1")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(HttpMethod.Get, $"/v2/guard/last/blobs/{blob}")).ShouldBe(HttpStatusCode.OK);
        (await TextAsync("/v2/_catalog?n=1000")).ShouldContain("\"guard/last\"");
    }

    [Fact, Spec("1.1.1", "end-9")]
    public async Task Delete_TagThenTagAgain_PointsWhereItIsTold()
    {
        await registry.PushImageAsync("guard/retag", "v1", 260);
        var other = await registry.PushImageAsync("guard/retag", "other", 261);
        (await DeleteAsync("/v2/guard/retag/manifests/v1")).ShouldBe(HttpStatusCode.Accepted);
        (await DeleteAsync("/v2/guard/retag/manifests/v1")).ShouldBe(HttpStatusCode.NotFound);
        await registry.PushManifestAsync("guard/retag", "v1", other);
        (await TextAsync("/v2/guard/retag/manifests/v1")).ShouldBe(Encoding.UTF8.GetString(other));
    }
}
