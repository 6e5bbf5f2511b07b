using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Holdfast.Oci;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Import;

public sealed class ImportEndpointTests(RegistryFixture server) : IClassFixture<RegistryFixture>
{
    private static readonly byte[] Config = "{}"u8.ToArray();

    [Fact, Promise("P5")]
    public async Task Import_FilesThenManifest_ArePulledAsTheyWere()
    {
        var (layer, repository) = (Encoding.UTF8.GetBytes("a layer"), "imported/app");
        var blobs = new JsonArray(Blob(Config, repository, Bring(Config)), Blob(layer, repository, Bring(layer)));
        var stored = await PostAsync("blobs", new JsonObject { ["blobs"] = blobs });
        stored["blobs"]!.AsArray().Select(blob => (string)blob!["outcome"]!).ShouldAllBe(outcome => outcome == "stored" || outcome == "linked");
        Directory.GetFiles(Uploads).ShouldBeEmpty();

        var manifest = Manifest(layer);
        var put = await PostAsync("manifests", Manifests(repository, manifest, "v1", "2024-04-01T08:00:00Z"));
        ((string)put["manifests"]![0]!["outcome"]!).ShouldBe("stored");
        ((string)put["manifests"]![0]!["tags"]![0]!["outcome"]!).ShouldBe("put");

        (await server.Http.GetByteArrayAsync($"/v2/{repository}/manifests/v1")).ShouldBe(manifest);
        (await server.Http.GetByteArrayAsync($"/v2/{repository}/blobs/{DigestOf(layer)}")).ShouldBe(layer);
        var known = await PostAsync("look", new JsonObject
        {
            ["repository"] = repository,
            ["manifests"] = new JsonArray(DigestOf(manifest).ToString()),
            ["tags"] = new JsonArray("v1", "v2"),
            ["blobs"] = new JsonArray(Content(layer), Content("unknown"u8.ToArray())),
        });
        ((string)known["registry"]!).ShouldBe("test");
        known["manifests"]!.AsArray().Count.ShouldBe(1);
        ((string)known["tags"]!["v1"]!).ShouldBe(DigestOf(manifest).ToString());
        known["tags"]!.AsObject().Count.ShouldBe(1);
        known["blobs"]!.AsArray().Select(digest => (string)digest!).ShouldBe([DigestOf(layer).ToString()]);
    }

    [Fact, Promise("P4")]
    public async Task Import_TrustedFileWithWrongBytes_IsNotServed()
    {
        var (claimed, found) = (Encoding.UTF8.GetBytes("right bytes"), Encoding.UTF8.GetBytes("wrong bytes"));
        var stored = await PostAsync("blobs", new JsonObject { ["blobs"] = new JsonArray(Blob(claimed, "trusted", Bring(found), trusted: true)) });
        ((string)stored["blobs"]![0]!["outcome"]!).ShouldBe("stored");
        using var pull = await server.Http.GetAsync($"/v2/trusted/blobs/{DigestOf(claimed)}");
        pull.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Promise("P4")]
    public async Task Import_UploadThatAClientIsPushing_IsRefusedAndThePushGoesOn()
    {
        var bytes = Encoding.UTF8.GetBytes("hello");
        using var begun = await server.Http.PostAsync("/v2/pushed/blobs/uploads/", null);
        var location = begun.Headers.Location!.ToString();
        using var patched = await server.Http.PatchAsync(location, new ByteArrayContent(bytes));
        var upload = Guid.Parse(patched.Headers.Location!.ToString().Split('?')[0].Split('/')[^1]);

        using var refused = await server.Admin.PostAsJsonAsync("/api/v1/import/blobs", new JsonObject { ["blobs"] = new JsonArray(Blob(bytes, "taken", upload)) });
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        location = patched.Headers.Location!.ToString();
        using var put = await server.Http.PutAsync($"{location}{(location.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={DigestOf(bytes)}", null);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("look", """{"blobs":[null]}""")]
    [InlineData("blobs", """{"blobs":[null]}""")]
    [InlineData("manifests", """{"manifests":[null]}""")]
    [InlineData("manifests", """{"manifests":[{"repository":"a","digest":"sha256:4fbec69b941195fd56f8212a5000e304129451d82efca94ff0e0fb2d5355472e","tags":[null]}]}""")]
    public async Task Import_NullInAList_IsRefused(string what, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var refused = await server.Admin.PostAsync($"/api/v1/import/{what}", content);
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact, Promise("P2")]
    public async Task Import_ManifestWithoutItsLayer_IsNotWholeAndNotStored()
    {
        var missing = Encoding.UTF8.GetBytes("never came");
        await PutAsync(Config, "lacking");
        var put = await PostAsync("manifests", Manifests("lacking", Manifest(missing), "v1", null));
        ((string)put["manifests"]![0]!["outcome"]!).ShouldBe("not-whole");
        ((string)put["manifests"]![0]!["missing"]![0]!).ShouldBe(DigestOf(missing).ToString());
        using var pull = await server.Http.GetAsync("/v2/lacking/manifests/v1");
        pull.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task PutBlob_RightOrWrongBytes_SaysWhich()
    {
        var bytes = new byte[3_000_000];
        Random.Shared.NextBytes(bytes);
        ((string)(await PutAsync(bytes, "sent"))["outcome"]!).ShouldBe("stored");
        (await server.Http.GetByteArrayAsync($"/v2/sent/blobs/{DigestOf(bytes)}")).ShouldBe(bytes);
        bytes[7] ^= 1;
        ((string)(await PutAsync(bytes, "sent", DigestOf("else"u8.ToArray())))["outcome"]!).ShouldBe("wrong-bytes");
        Directory.GetFiles(Uploads).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("blobs", """{"blobs":[{"digest":"sha256:0","sizeBytes":1,"repositories":[]}]}""", "not a digest")]
    [InlineData("blobs", """{"blobs":[{"digest":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","sizeBytes":1,"repositories":["../x"]}]}""", "not the name of a repository")]
    [InlineData("blobs", """{"blobs":[{"digest":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","sizeBytes":1,"repositories":["x"],"upload":"../lock"}]}""", "not an upload's id")]
    [InlineData("look", """{"tags":["v1"]}""", "name it")]
    [InlineData("look", """{"repository":"x","tags":["-"]}""", "not a tag")]
    [InlineData("look", """{"registry":"other"}""", "there is test")]
    [InlineData("manifests", "{}", "missing member 'manifests'")]
    public async Task Import_WrongWords_AreRefusedWithWhatIsWrong(string place, string body, string message)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await server.Admin.PostAsync($"/api/v1/import/{place}", content);
        ((int)response.StatusCode).ShouldBeOneOf(400, 404);
        (await response.Content.ReadAsStringAsync()).ShouldContain(message);
    }

    [Fact]
    public async Task Import_UploadThatIsGone_NeedsBytes()
    {
        var stored = await PostAsync("blobs", new JsonObject { ["blobs"] = new JsonArray(Blob("gone"u8.ToArray(), "x", Guid.NewGuid())) });
        ((string)stored["blobs"]![0]!["outcome"]!).ShouldBe("needs-bytes");
    }

    private string Uploads => Path.Combine(server.DataPath, "uploads");

    private static Digest DigestOf(byte[] bytes) => Digest.Compute(DigestAlgorithm.Sha256, bytes);

    private Guid Bring(byte[] bytes)
    {
        var upload = Guid.NewGuid();
        File.WriteAllBytes(Path.Combine(Uploads, upload.ToString("D")), bytes);
        return upload;
    }

    private static JsonObject Content(byte[] bytes) => new() { ["digest"] = DigestOf(bytes).ToString(), ["sizeBytes"] = bytes.Length };

    private static JsonObject Blob(byte[] bytes, string repository, Guid upload, bool trusted = false)
    {
        var blob = Content(bytes);
        blob["repositories"] = new JsonArray(repository);
        blob["upload"] = upload.ToString("D");
        blob["trusted"] = trusted;
        return blob;
    }

    private static byte[] Manifest(byte[] layer) => Encoding.UTF8.GetBytes($$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
         "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{DigestOf(Config)}}","size":{{Config.Length}}},
         "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{DigestOf(layer)}}","size":{{layer.Length}}}]}
        """);

    private static JsonObject Manifests(string repository, byte[] manifest, string tag, string? pushedAt) => new()
    {
        ["manifests"] = new JsonArray(new JsonObject
        {
            ["repository"] = repository,
            ["digest"] = DigestOf(manifest).ToString(),
            ["payload"] = Convert.ToBase64String(manifest),
            ["tags"] = new JsonArray(new JsonObject { ["tag"] = tag, ["pushedAt"] = pushedAt }),
        }),
    };

    private async Task<JsonNode> PostAsync(string place, JsonObject body)
    {
        using var response = await server.Admin.PostAsJsonAsync($"/api/v1/import/{place}", body);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private async Task<JsonNode> PutAsync(byte[] bytes, string repository, Digest? claimed = null)
    {
        using var content = new ByteArrayContent(bytes);
        using var response = await server.Admin.PutAsync($"/api/v1/import/blobs/{claimed ?? DigestOf(bytes)}?repository={repository}", content);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }
}
