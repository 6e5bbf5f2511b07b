using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>What no client should send. Each gets an error of the right kind, and nothing is stored or lost by it.</summary>
public sealed class BadInputTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory, Spec("1.1.1", "code-4")]
    [InlineData($"sha256:{Hex}%0A")]
    [InlineData($"sha256:{Hex}%00")]
    [InlineData($"sha256:{Hex}0")]
    [InlineData("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85")]
    [InlineData($"SHA256:{Hex}")]
    [InlineData("md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData($"sha512:{Hex}")]
    [InlineData("sha256:")]
    [InlineData("sha256:../../../../etc/passwd")]
    [InlineData("sha256:%2e%2e%2f%2e%2e%2fetc%2fpasswd")]
    public async Task Digest_ThatIsNone_Is400EverywhereAndStoresNothing(string digest)
    {
        var before = registry.StoredFiles();
        foreach (var (method, path) in new[]
        {
            ("GET", $"/v2/bad/blobs/{digest}"), ("DELETE", $"/v2/bad/blobs/{digest}"),
            ("GET", $"/v2/bad/referrers/{digest}"), ("GET", $"/v2/bad/manifests/{digest}"), ("DELETE", $"/v2/bad/manifests/{digest}"),
            ("POST", $"/v2/bad/blobs/uploads/?digest={digest}"), ("POST", $"/v2/bad/blobs/uploads/?mount={digest}&from=x"),
        })
        {
            var (status, answer) = await RawHttp.SendAsync(registry.Address, RawHttp.Head(method, path, "Content-Length: 0"));
            // A path whose last segments make no place of the protocol is no place at all.
            status.ShouldBeOneOf([400, 404], $"{method} {path}: {answer}");
            if (!digest.Contains('/', StringComparison.Ordinal))
                status.ShouldBe(400, $"{method} {path}: {answer}");
        }
        registry.StoredFiles().ShouldBe(before);
    }

    [Theory, Spec("1.1.1", "code-8")]
    [InlineData("UPPER")]
    [InlineData("a..b")]
    [InlineData("a/../b")]
    [InlineData("../../etc")]
    [InlineData("a/./b")]
    [InlineData("%2e%2e/x")]
    [InlineData("..%2f..%2fx")]
    [InlineData("a%00b")]
    [InlineData("a%0a")]
    [InlineData("a//b")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("-a")]
    [InlineData("a_-b")]
    [InlineData("a___b")]
    [InlineData("a b")]
    [InlineData("a\\b")]
    [InlineData("_catalog/x")]
    [InlineData("ü")]
    public async Task Name_ThatIsNone_Is400EverywhereAndStoresNothing(string name)
    {
        var before = registry.StoredFiles();
        foreach (var (method, place) in new[]
        {
            ("GET", "manifests/latest"), ("PUT", "manifests/latest"), ("DELETE", "manifests/latest"), ("GET", $"blobs/sha256:{Hex}"),
            ("GET", "tags/list"), ("GET", $"referrers/sha256:{Hex}"), ("POST", "blobs/uploads/"), ("PATCH", $"blobs/uploads/{Guid.Empty}"),
        })
        {
            var (status, answer) = await RawHttp.SendAsync(registry.Address, RawHttp.Head(method, $"/v2/{name}/{place}", "Content-Length: 0"));
            status.ShouldBe(400, answer);
            // Kestrel itself turns away what is no request target at all, without a body.
            if (name is not ("a b" or "ü" or "a%00b"))
                answer.ShouldContain("NAME_INVALID");
        }
        registry.StoredFiles().ShouldBe(before);
    }

    [Fact, Spec("1.1.1", "code-8")]
    public async Task Name_Of255Characters_IsTakenAnd256AreNot()
    {
        var longest = string.Join('/', Enumerable.Repeat(new string('a', 31), 8))[..255];
        await registry.PushImageAsync(longest.TrimEnd('/'), "v1", 900);
        using var response = await registry.SendAsync(HttpMethod.Post, $"/v2/{new string('a', 256)}/blobs/uploads/");
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.ErrorAsync()).Code.ShouldBe("NAME_INVALID");
    }

    [Theory]
    [InlineData(".hidden")]
    [InlineData("-x")]
    [InlineData("a%2fb")]
    [InlineData("a%0a")]
    [InlineData("%2e%2e")]
    [InlineData("a+b")]
    [InlineData("sha256:short")]
    public async Task Tag_ThatIsNone_Is400AndStoresNothing(string tag)
    {
        var manifest = await registry.PushImageAsync("bad/tags", null, 901);
        var (status, answer) = await RawHttp.SendAsync(
            registry.Address,
            RawHttp.Head("PUT", $"/v2/bad/tags/manifests/{tag}", $"Content-Type: {MediaTypes.OciManifest}", $"Content-Length: {manifest.Length}"),
            manifest);
        status.ShouldBe(400, answer);
        using var tags = await registry.GetAsync("/v2/bad/tags/tags/list");
        (await tags.JsonAsync()).GetProperty("tags").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Tag_Of129Characters_Is400()
    {
        var manifest = await registry.PushImageAsync("bad/longtag", null, 902);
        await registry.PushManifestAsync("bad/longtag", new string('t', 128), manifest);
        using var response = await registry.PutManifestAsync("bad/longtag", new string('t', 129), manifest);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    public static TheoryData<string, byte[]> BadManifests()
    {
        var data = new TheoryData<string, byte[]>
        {
            { "empty", [] },
            { "no JSON", "hello"u8.ToArray() },
            { "cut", Samples.Image([1])[..^5] },
            { "two documents", [.. Samples.Image([1]), .. "{}"u8] },
            { "10,000 levels", Encoding.ASCII.GetBytes($"{{\"schemaVersion\":2,\"x\":{new string('[', 10_000)}{new string(']', 10_000)}}}") },
            { "repeated key", Encoding.UTF8.GetBytes($"{{\"schemaVersion\":2,\"mediaType\":\"{MediaTypes.OciManifest}\",\"layers\":[],\"layers\":[]}}") },
            { "NUL", [0, .. Samples.Image([1])] },
            { "array", "[]"u8.ToArray() },
            { "number", "2"u8.ToArray() },
        };
        foreach (var (name, change) in new (string, Action<JsonObject>)[]
        {
            ("index and image", j => j["manifests"] = new JsonArray()),
            ("no schema version", j => j.Remove("schemaVersion")),
            ("schema version 1", j => j["schemaVersion"] = 1),
            ("negative size", j => j["config"]!["size"] = -1),
            ("huge size", j => j["config"]!["size"] = 1e300),
            ("fraction of a size", j => j["config"]!["size"] = 1.5),
            ("text as size", j => j["config"]!["size"] = "1"),
            ("no digest", j => j["config"]!.AsObject().Remove("digest")),
            ("bad digest", j => j["config"]!["digest"] = "sha256:x"),
            ("upper-case digest", j => j["config"]!["digest"] = $"sha256:{Hex.ToUpperInvariant()}"),
            ("layers no array", j => j["layers"] = "x"),
            ("no config", j => j.Remove("config")),
            ("other media type", j => j["mediaType"] = MediaTypes.DockerManifest),
            ("bad subject", j => j["subject"] = new JsonObject { ["digest"] = "x" }),
        })
        {
            var json = Samples.ImageJson([1]);
            change(json);
            data.Add(name, Samples.Json(json));
        }
        return data;
    }

    [Theory, Spec("1.1.1", "code-6")]
    [MemberData(nameof(BadManifests), DisableDiscoveryEnumeration = true)]
    public async Task Manifest_ThatIsNone_Is400AndStoresNothing(string what, byte[] manifest)
    {
        await registry.PushBlobAsync("bad/manifests", [1]);
        var before = registry.StoredFiles();
        using (var response = await registry.PutManifestAsync("bad/manifests", "v1", manifest))
        {
            response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, what);
            (await response.ErrorAsync()).Code.ShouldBe("MANIFEST_INVALID", what);
        }
        registry.StoredFiles().ShouldBe(before);
        using var absent = await registry.GetAsync("/v2/bad/manifests/manifests/v1");
        absent.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory, Spec("1.1.1", "code-6")]
    [InlineData("application/vnd.docker.distribution.manifest.v1+json", "schema")]
    [InlineData("application/vnd.docker.distribution.manifest.v1+prettyjws", "schema")]
    [InlineData("application/vnd.oci.artifact.manifest.v1+json", "application/vnd.oci.image.manifest.v1+json")]
    [InlineData("text/html", "application/vnd.oci.image.manifest.v1+json")]
    public async Task Manifest_OfATypeWeDoNotTake_Is400SayingWhatWeTake(string type, string said)
    {
        using var response = await registry.PutManifestAsync("bad/types", "v1", "{\"schemaVersion\":1}"u8.ToArray(), type);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadAsStringAsync()).ShouldContain(said);
    }

    [Fact, Promise("P2")]
    public async Task Index_Of10000AbsentChildren_NamesThemAll()
    {
        var json = Samples.IndexJson();
        var children = json["manifests"]!.AsArray();
        for (var i = 0; i < 10_000; i++)
            children.Add((JsonNode)Samples.Descriptor(MediaTypes.OciManifest, BitConverter.GetBytes(i)));
        using var response = await registry.PutManifestAsync("bad/many", "v1", Samples.Json(json), MediaTypes.OciIndex);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.ErrorAsync()).Detail.GetProperty("missing").GetArrayLength().ShouldBe(10_000);
    }

    [Fact]
    public async Task Index_ThatLists10000TimesTheSameChild_IsStoredAsPushed()
    {
        var child = await registry.PushImageAsync("bad/same", null, 910);
        var index = Samples.Index([.. Enumerable.Repeat(child, 10_000)]);
        await registry.PushManifestAsync("bad/same", "v1", index, MediaTypes.OciIndex);
        (await registry.Http.GetByteArrayAsync("/v2/bad/same/manifests/v1")).ShouldBe(index);
        (await registry.DeleteAsync($"/v2/bad/same/manifests/{Samples.DigestOf(child)}")).StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Theory, Promise("P10")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Manifest_Of5MiBWithOrWithoutALength_Is413AndStoresNothing(bool chunked)
    {
        var before = registry.StoredFiles();
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v2/bad/large/manifests/v1");
        request.Content = new ByteArrayContent(new byte[5 << 20]);
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await registry.Http.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await response.ErrorAsync()).Code.ShouldBe("MANIFEST_INVALID");
        registry.StoredFiles().ShouldBe(before);
    }

    [Fact]
    public async Task Body_ShorterThanContentLength_StoresNothingAndTheUploadGoesOn()
    {
        var content = Samples.Bytes(903, 1000);
        var location = await registry.OpenUploadAsync("bad/short");
        using (var socket = await RawHttp.ConnectAsync(registry.Address))
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(RawHttp.Head("PATCH", location, "Content-Length: 1000")));
            await socket.SendAsync(content.AsMemory(0, 400));
            socket.Shutdown(SocketShutdown.Send);
            // The server gives up on the request, by an answer or by a reset.
            await ReadToEndAsync(socket);
        }
        long offset;
        using (var status = await registry.GetAsync(location))
        {
            var last = long.Parse(status.Headers.GetValues("Range").Single().Split('-')[1]);
            offset = last == 0 ? 0 : last + 1;
        }
        offset.ShouldBeLessThanOrEqualTo(400);
        (await registry.PatchAsync(location, content[(int)offset..], $"{offset}-999")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var response = await registry.SendAsync(HttpMethod.Put, $"{location}?digest={Samples.DigestOf(content)}");
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private static async Task ReadToEndAsync(Socket socket)
    {
        try
        {
            var answer = new byte[1000];
            int read;
            do
                read = await socket.ReceiveAsync(answer);
            while (read > 0);
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
        }
    }

    [Fact]
    public async Task Body_OfASinglePostCutShort_StoresNothing()
    {
        var content = Samples.Bytes(904, 100_000);
        var before = registry.StoredFiles();
        using (var socket = await RawHttp.ConnectAsync(registry.Address))
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(RawHttp.Head(
                "POST", $"/v2/bad/short/blobs/uploads/?digest={Samples.DigestOf(content)}", $"Content-Length: {content.Length}")));
            await socket.SendAsync(content.AsMemory(0, 70_000));
            socket.LingerState = new LingerOption(true, 0); // The client dies: a reset, not an end.
        }
        using (var absent = await registry.HeadAsync($"/v2/bad/short/blobs/{Samples.DigestOf(content)}"))
            absent.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await Eventually.ShouldBeAsync(() => registry.StoredFiles().Except(before).Count(), 0);
    }

    [Fact]
    public async Task Body_LongerThanContentLength_IsCutThere()
    {
        var content = Samples.Bytes(905, 100);
        var (status, answer) = await RawHttp.SendAsync(
            registry.Address,
            RawHttp.Head("POST", $"/v2/bad/long/blobs/uploads/?digest={Samples.DigestOf(content)}", "Content-Length: 100"),
            [.. content, .. "GARBAGE"u8]);
        status.ShouldBe(201, answer);
        using var stored = await registry.GetAsync($"/v2/bad/long/blobs/{Samples.DigestOf(content)}");
        (await stored.Content.ReadAsByteArrayAsync()).ShouldBe(content);
    }

    [Theory, Spec("1.1.1", "code-3")]
    [InlineData("not-a-uuid")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("..")]
    [InlineData("%2e%2e%2f%2e%2e%2fholdfast.db")]
    public async Task Session_ThatIsNone_Is404(string id)
    {
        foreach (var method in new[] { "GET", "PATCH", "PUT", "DELETE" })
        {
            var (status, answer) = await RawHttp.SendAsync(
                registry.Address, RawHttp.Head(method, $"/v2/bad/sessions/blobs/uploads/{id}?digest=sha256:{Hex}", "Content-Length: 0"));
            status.ShouldBe(404, answer);
            answer.ShouldContain("BLOB_UPLOAD_UNKNOWN");
        }
    }

    [Theory, Spec("1.1.1", "code-13")]
    [InlineData("POST", "/v2/")]
    [InlineData("POST", "/v2/bad/tags/list")]
    [InlineData("PUT", "/v2/bad/blobs/sha256:" + Hex)]
    [InlineData("PATCH", "/v2/bad/manifests/latest")]
    [InlineData("DELETE", "/v2/_catalog")]
    public async Task Method_ThatAPlaceDoesNotTake_Is405WithAllow(string method, string path)
    {
        using var response = await registry.SendAsync(new HttpMethod(method), path);
        response.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        response.Content.Headers.Allow.ShouldNotBeEmpty();
        (await response.ErrorAsync()).Code.ShouldBe("UNSUPPORTED");
    }

    [Theory]
    [InlineData("/v1/")]
    [InlineData("/v2/x")]
    [InlineData("/v2/x/manifests")]
    [InlineData("/v2//etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("/v2/../data/holdfast.db")]
    public async Task Path_ThatIsNoPlace_Is404(string path)
    {
        var (status, answer) = await RawHttp.SendAsync(registry.Address, RawHttp.Head("GET", path));
        status.ShouldBe(404, answer);
    }
}
