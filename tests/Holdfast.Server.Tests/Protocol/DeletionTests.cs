using System.Net;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

public sealed class DeletionTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private async Task ShouldBeGoneAsync(string path)
    {
        using var response = await registry.GetAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Spec("1.1.1", "end-9")]
    public async Task Delete_Tag_LeavesTheManifestAndOtherTags()
    {
        var manifest = await registry.PushImageAsync("del", "one", 1);
        await registry.PushManifestAsync("del", "two", manifest);
        (await registry.DeleteAsync("/v2/del/manifests/one")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await ShouldBeGoneAsync("/v2/del/manifests/one");
        (await registry.HeadAsync("/v2/del/manifests/two")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await registry.DeleteAsync("/v2/del/manifests/one")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Spec("1.1.1", "end-9")]
    public async Task Delete_ManifestByDigest_TakesItsTagsAlong()
    {
        var manifest = await registry.PushImageAsync("del2", "one", 2);
        await registry.PushManifestAsync("del2", "two", manifest);
        (await registry.DeleteAsync($"/v2/del2/manifests/{Samples.DigestOf(manifest)}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await ShouldBeGoneAsync("/v2/del2/manifests/one");
        await ShouldBeGoneAsync("/v2/del2/manifests/two");
        await ShouldBeGoneAsync($"/v2/del2/manifests/{Samples.DigestOf(manifest)}");
    }

    [Fact, Spec("1.1.1", "end-9"), Promise("P3")]
    public async Task Delete_ChildOfAnIndex_Is409NamingTheIndex()
    {
        var child = await registry.PushImageAsync("del3", null, 3);
        var index = Samples.Index(child);
        await registry.PushManifestAsync("del3", "index", index, MediaTypes.OciIndex);
        using (var refused = await registry.DeleteAsync($"/v2/del3/manifests/{Samples.DigestOf(child)}"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            var (code, detail) = await refused.ErrorAsync();
            code.ShouldBe("DENIED");
            detail.GetProperty("holders")[0].GetString().ShouldBe(Samples.DigestOf(index).ToString());
            detail.GetProperty("holderCount").GetInt64().ShouldBe(1);
        }
        (await registry.GetAsync($"/v2/del3/manifests/{Samples.DigestOf(child)}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await registry.DeleteAsync($"/v2/del3/manifests/{Samples.DigestOf(index)}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await registry.DeleteAsync($"/v2/del3/manifests/{Samples.DigestOf(child)}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    [Fact, Spec("1.1.1", "end-10"), Promise("P3")]
    public async Task Delete_LayerInUse_Is409UntilItsManifestIsGone()
    {
        var (config, layer) = (Samples.Bytes(4, 30), Samples.Bytes(5, 30));
        await registry.PushBlobAsync("del4", config);
        var digest = await registry.PushBlobAsync("del4", layer);
        var manifest = Samples.Image(config, layer);
        await registry.PushManifestAsync("del4", "v1", manifest);
        using (var refused = await registry.DeleteAsync($"/v2/del4/blobs/{digest}"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await refused.ErrorAsync()).Detail.GetProperty("holders")[0].GetString().ShouldBe(Samples.DigestOf(manifest).ToString());
        }
        (await registry.DeleteAsync($"/v2/del4/manifests/{Samples.DigestOf(manifest)}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await registry.DeleteAsync($"/v2/del4/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await ShouldBeGoneAsync($"/v2/del4/blobs/{digest}");
        (await registry.DeleteAsync($"/v2/del4/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Spec("1.1.1", "end-10")]
    public async Task Delete_BlobOfOneRepository_LeavesItInTheOther()
    {
        var content = Samples.Bytes(6, 30);
        var digest = await registry.PushBlobAsync("del5/a", content);
        await registry.PushBlobAsync("del5/b", content);
        (await registry.DeleteAsync($"/v2/del5/a/blobs/{digest}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await ShouldBeGoneAsync($"/v2/del5/a/blobs/{digest}");
        using var other = await registry.GetAsync($"/v2/del5/b/blobs/{digest}");
        (await other.Content.ReadAsByteArrayAsync()).ShouldBe(content);
    }

    [Fact, Spec("1.1.1", "end-9")]
    public async Task Delete_SubjectWithReferrers_IsAllowed()
    {
        var image = await registry.PushImageAsync("del6", "v1", 7);
        var config = Samples.Bytes(8, 30);
        await registry.PushBlobAsync("del6", config);
        var json = Samples.ImageJson(config);
        json["subject"] = Samples.Descriptor(MediaTypes.OciManifest, image);
        await registry.PushManifestAsync("del6", "sig", Samples.Json(json));
        (await registry.DeleteAsync($"/v2/del6/manifests/{Samples.DigestOf(image)}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await registry.GetAsync("/v2/del6/manifests/sig")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Delete_AndPushAgain_IsPullable()
    {
        var manifest = await registry.PushImageAsync("del7", "v1", 9);
        (await registry.DeleteAsync($"/v2/del7/manifests/{Samples.DigestOf(manifest)}")).Dispose();
        await registry.PushManifestAsync("del7", "v1", manifest);
        using var response = await registry.GetAsync("/v2/del7/manifests/v1");
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(manifest);
    }
}
