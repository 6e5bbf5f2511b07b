using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

public sealed class DiscoveryTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private static string[] Names(JsonElement json, string property) =>
        [.. json.GetProperty(property).EnumerateArray().Select(t => t.GetString()!)];

    private static string NextOf(HttpResponseMessage response)
    {
        var link = response.Headers.GetValues("Link").Single();
        link.ShouldEndWith(">; rel=\"next\"");
        return link[1..link.IndexOf('>', StringComparison.Ordinal)];
    }

    [Fact, Spec("1.1.1", "end-1")]
    public async Task Get_Base_Is200()
    {
        using var response = await registry.GetAsync("/v2/");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact, Spec("1.1.1", "end-8a"), Spec("1.1.1", "end-8b")]
    public async Task Get_Tags_PagesInAsciiOrder()
    {
        var manifest = await registry.PushImageAsync("listed", "b", 1);
        string[] tags = ["a", "B", "_x", "latest", "v1.10", "v1.9", "0"];
        foreach (var tag in tags)
            await registry.PushManifestAsync("listed", tag, manifest);
        string[] expected = [.. tags.Append("b").Order(StringComparer.Ordinal)];

        using (var whole = await registry.GetAsync("/v2/listed/tags/list"))
        {
            var json = await whole.JsonAsync();
            json.GetProperty("name").GetString().ShouldBe("listed");
            Names(json, "tags").ShouldBe(expected);
            whole.Headers.Contains("Link").ShouldBeFalse();
        }
        var paged = new List<string>();
        for (var path = "/v2/listed/tags/list?n=3"; path.Length > 0;)
        {
            using var page = await registry.GetAsync(path);
            paged.AddRange(Names(await page.JsonAsync(), "tags"));
            path = page.Headers.Contains("Link") ? NextOf(page) : "";
        }
        paged.ShouldBe(expected);
        using (var exact = await registry.GetAsync("/v2/listed/tags/list?n=8"))
            exact.Headers.Contains("Link").ShouldBeFalse();
        using (var after = await registry.GetAsync("/v2/listed/tags/list?last=latest"))
            Names(await after.JsonAsync(), "tags").ShouldBe(["v1.10", "v1.9"]);
        using var none = await registry.GetAsync("/v2/listed/tags/list?n=0");
        Names(await none.JsonAsync(), "tags").ShouldBeEmpty();
        none.Headers.Contains("Link").ShouldBeFalse();
    }

    [Theory, Spec("1.1.1", "end-8b")]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("1.5")]
    [InlineData("1&n=2")]
    [InlineData("99999999999999999999")]
    public async Task Get_TagsWithABrokenN_Is400(string n)
    {
        await registry.PushImageAsync("listed2", "v1", 2);
        using var response = await registry.GetAsync($"/v2/listed2/tags/list?n={n}");
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact, Spec("1.1.1", "end-8a"), Spec("1.1.1", "code-9")]
    public async Task Get_TagsOfAnUnknownRepository_Is404()
    {
        using var response = await registry.GetAsync("/v2/nowhere/tags/list");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await response.ErrorAsync()).Code.ShouldBe("NAME_UNKNOWN");
    }

    [Fact]
    public async Task Get_Catalog_PagesThroughRepositoriesWithManifests()
    {
        foreach (var name in new[] { "cat/b", "cat/a", "cat/c/d" })
            await registry.PushImageAsync(name, "v1", 3);
        await registry.PushBlobAsync("cat/blob-only", [1]);
        var found = new List<string>();
        for (var path = "/v2/_catalog?n=1"; path.Length > 0;)
        {
            using var page = await registry.GetAsync(path);
            found.AddRange(Names(await page.JsonAsync(), "repositories"));
            path = page.Headers.Contains("Link") ? NextOf(page) : "";
        }
        found.Where(n => n.StartsWith("cat/", StringComparison.Ordinal)).ShouldBe(["cat/a", "cat/b", "cat/c/d"]);
        found.ShouldBe([.. found.Order(StringComparer.Ordinal)]);
    }

    private async Task<Digest> ReferAsync(string repository, JsonObject subject, string? artifactType, string? note, int seed)
    {
        var config = Samples.Bytes(seed, 30);
        await registry.PushBlobAsync(repository, config);
        var json = Samples.ImageJson(config);
        json["subject"] = subject.DeepClone();
        if (artifactType is not null)
            json["artifactType"] = artifactType;
        if (note is not null)
            json["annotations"] = new JsonObject { ["note"] = note };
        var manifest = Samples.Json(json);
        using var response = await registry.PutManifestAsync(repository, Samples.DigestOf(manifest).ToString(), manifest);
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.GetValues("OCI-Subject").ShouldBe([subject["digest"]!.GetValue<string>()]);
        return Samples.DigestOf(manifest);
    }

    [Fact, Spec("1.1.1", "end-12a"), Spec("1.1.1", "end-12b")]
    public async Task Get_Referrers_ListsThemWithTypeAndAnnotationsAndFilters()
    {
        var image = await registry.PushImageAsync("ref", "v1", 10);
        var subject = Samples.Descriptor(MediaTypes.OciManifest, image);
        var sbom = await ReferAsync("ref", subject, "application/vnd.example.sbom+json", "one", 11);
        var typed = await ReferAsync("ref", subject, null, null, 12);

        using (var all = await registry.GetAsync($"/v2/ref/referrers/{Samples.DigestOf(image)}"))
        {
            all.StatusCode.ShouldBe(HttpStatusCode.OK);
            all.Content.Headers.ContentType!.ToString().ShouldBe(MediaTypes.OciIndex);
            all.Headers.Contains("OCI-Filters-Applied").ShouldBeFalse();
            var manifests = (await all.JsonAsync()).GetProperty("manifests").EnumerateArray().ToDictionary(m => m.GetProperty("digest").GetString()!);
            manifests.Keys.ShouldBe([sbom.ToString(), typed.ToString()], ignoreOrder: true);
            manifests[sbom.ToString()].GetProperty("artifactType").GetString().ShouldBe("application/vnd.example.sbom+json");
            manifests[sbom.ToString()].GetProperty("annotations").GetProperty("note").GetString().ShouldBe("one");
            manifests[sbom.ToString()].GetProperty("mediaType").GetString().ShouldBe(MediaTypes.OciManifest);
            manifests[typed.ToString()].GetProperty("artifactType").GetString().ShouldBe("application/vnd.oci.image.config.v1+json");
        }
        using var filtered = await registry.GetAsync(
            $"/v2/ref/referrers/{Samples.DigestOf(image)}?artifactType={Uri.EscapeDataString("application/vnd.example.sbom+json")}");
        filtered.Headers.GetValues("OCI-Filters-Applied").ShouldBe(["artifactType"]);
        (await filtered.JsonAsync()).GetProperty("manifests").EnumerateArray().Single().GetProperty("digest").GetString().ShouldBe(sbom.ToString());
    }

    [Fact, Spec("1.1.1", "end-12a")]
    public async Task Get_ReferrersBeforeTheSubjectExists_ListsThem()
    {
        var image = Samples.Image(Samples.Bytes(20, 5));
        var referrer = await ReferAsync("early", Samples.Descriptor(MediaTypes.OciManifest, image), "application/x", null, 21);
        using var response = await registry.GetAsync($"/v2/early/referrers/{Samples.DigestOf(image)}");
        (await response.JsonAsync()).GetProperty("manifests")[0].GetProperty("digest").GetString().ShouldBe(referrer.ToString());
    }

    [Fact, Spec("1.1.1", "end-12a")]
    public async Task Get_Referrers_PagesByLink()
    {
        var image = await registry.PushImageAsync("refpages", "v1", 30);
        var subject = Samples.Descriptor(MediaTypes.OciManifest, image);
        var pushed = new List<string>();
        for (var i = 0; i < 5; i++)
            pushed.Add((await ReferAsync("refpages", subject, "application/x+y", null, 31 + i)).ToString());
        var found = new List<string>();
        for (var path = $"/v2/refpages/referrers/{Samples.DigestOf(image)}?n=2&artifactType=application%2Fx%2By"; path.Length > 0;)
        {
            using var page = await registry.GetAsync(path);
            page.Headers.GetValues("OCI-Filters-Applied").ShouldBe(["artifactType"]);
            found.AddRange((await page.JsonAsync()).GetProperty("manifests").EnumerateArray().Select(m => m.GetProperty("digest").GetString()!));
            path = page.Headers.Contains("Link") ? NextOf(page) : "";
        }
        found.ShouldBe(pushed, ignoreOrder: true);
    }

    [Theory, Spec("1.1.1", "end-12a")]
    [InlineData("ref-none", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", HttpStatusCode.OK)]
    [InlineData("ref-none", "sha256:E3B0", HttpStatusCode.BadRequest)]
    [InlineData("ref-none", "latest", HttpStatusCode.BadRequest)]
    public async Task Get_ReferrersOfNothing_IsEmptyAndOfNoDigestIs400(string repository, string subject, HttpStatusCode expected)
    {
        using var response = await registry.GetAsync($"/v2/{repository}/referrers/{subject}");
        response.StatusCode.ShouldBe(expected);
        if (expected == HttpStatusCode.OK)
            (await response.JsonAsync()).GetProperty("manifests").GetArrayLength().ShouldBe(0);
    }

    [Fact, Spec("1.1.1", "referrers tag schema")]
    public async Task Get_ReferrersOfAnArtifactPushedWithTheFallbackTag_ListsItOnce()
    {
        var image = await registry.PushImageAsync("fallback", "v1", 40);
        var config = Samples.Bytes(41, 30);
        await registry.PushBlobAsync("fallback", config);
        var json = Samples.ImageJson(config);
        json["subject"] = Samples.Descriptor(MediaTypes.OciManifest, image);
        var artifact = Samples.Json(json);
        await registry.PushManifestAsync("fallback", null, artifact);
        // A client that doesn't know the referrers API goes on and keeps its list in a tag.
        var tag = Samples.DigestOf(image).ToString().Replace(':', '-');
        await registry.PushManifestAsync("fallback", tag, Samples.Index(artifact), MediaTypes.OciIndex);

        using var response = await registry.GetAsync($"/v2/fallback/referrers/{Samples.DigestOf(image)}");
        (await response.JsonAsync()).GetProperty("manifests").EnumerateArray().Select(m => m.GetProperty("digest").GetString())
            .ShouldBe([Samples.DigestOf(artifact).ToString()]);
    }

    [Fact, Spec("1.1.1", "end-12a")]
    public async Task Get_ReferrersOfADeletedReferrer_IsEmpty()
    {
        var image = await registry.PushImageAsync("refdel", "v1", 50);
        var referrer = await ReferAsync("refdel", Samples.Descriptor(MediaTypes.OciManifest, image), "application/x", null, 51);
        (await registry.DeleteAsync($"/v2/refdel/manifests/{referrer}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var response = await registry.GetAsync($"/v2/refdel/referrers/{Samples.DigestOf(image)}");
        (await response.JsonAsync()).GetProperty("manifests").GetArrayLength().ShouldBe(0);
    }
}
