using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>HTTP as only broken or hostile clients write it.</summary>
public sealed class RawRequestTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private readonly byte[] _content = Samples.Bytes(Random.Shared.Next(), 3000);

    private Digest Digest => Samples.DigestOf(_content);

    [Theory]
    [InlineData('\0')]
    [InlineData('\u0001')]
    [InlineData('\t')]
    [InlineData('\r')]
    [InlineData('\n')]
    [InlineData('\u001f')]
    [InlineData(' ')]
    [InlineData('\u007f')]
    [InlineData('\u00ff')]
    public async Task ControlCharacter_AnywhereInAPath_Is400AndStoresNothing(char character)
    {
        var before = registry.StoredFiles();
        foreach (var path in new[]
        {
            $"/v2/a{character}b/blobs/uploads/?digest={Digest}", $"/v2/ab/blobs/{Digest}{character}", $"/v2/ab/manifests/v1{character}",
            $"/v2/ab/manifests/{character}", $"{character}/v2/", $"/v2/ab/tags/list{character}",
        })
        {
            foreach (var method in new[] { "POST", "PUT", "GET", "DELETE" })
            {
                var (status, answer) = await RawHttp.SendAsync(registry.Address, RawHttp.Head(method, path, "Content-Length: 0"));
                status.ShouldBeOneOf([400, 404, 405], $"{method} {path}: {answer}");
            }
        }
        registry.StoredFiles().ShouldBe(before);
        (await registry.CountAsync("SELECT COUNT(*) FROM repositories WHERE name LIKE 'a%'")).ShouldBe(0);
    }

    [Theory]
    [InlineData("GET", "http://elsewhere/v2/", 200)]
    [InlineData("GET", "http://elsewhere/v2/none/tags/list", 404)]
    [InlineData("GET", "http://elsewhere", 404)]
    [InlineData("GET", "http://elsewhere/v2/../../etc/passwd", 404)]
    [InlineData("GET", "http://elsewhere/v2/../x/tags/list", 400)]
    [InlineData("GET", "http://elsewhere/v2/%2e%2e/x/tags/list", 400)]
    [InlineData("GET", "elsewhere/v2/", 400)]
    [InlineData("GET", "//elsewhere/v2/", 404)]
    [InlineData("GET", "ftp://elsewhere/v2/", 400)]
    [InlineData("CONNECT", "elsewhere:443", 404)]
    [InlineData("OPTIONS", "*", 404)]
    [InlineData("GET", "*", 405)]
    public async Task Target_OfAnotherForm_IsRoutedByItsPathOrRefused(string method, string target, int expected)
    {
        var host = target.Contains("://", StringComparison.Ordinal) ? new Uri(target).Host : target.StartsWith("elsewhere:", StringComparison.Ordinal) ? target : "x";
        var (status, answer) = await RawHttp.SendAsync(
            registry.Address, $"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        status.ShouldBe(expected, answer);
    }

    [Fact, Promise("P10")]
    public async Task Query_OfTenThousandTags_Is414AndSetsNone()
    {
        var manifest = await registry.PushImageAsync("raw/tags", null, 1);
        var query = string.Join('&', Enumerable.Range(0, 10_000).Select(i => $"tag=t{i}"));
        var (status, answer) = await RawHttp.SendAsync(
            registry.Address,
            RawHttp.Head("PUT", $"/v2/raw/tags/manifests/{Samples.DigestOf(manifest)}?{query}", $"Content-Length: {manifest.Length}"));
        status.ShouldBe(414, answer);

        var fewer = string.Join('&', Enumerable.Range(0, 101).Select(i => $"tag=t{i}"));
        using (var response = await registry.PutManifestAsync("raw/tags", $"{Samples.DigestOf(manifest)}?{fewer}", manifest))
        {
            response.StatusCode.ShouldBe(HttpStatusCode.RequestUriTooLong);
            (await response.ErrorAsync()).Code.ShouldBe("UNSUPPORTED");
        }
        using var tags = await registry.GetAsync("/v2/raw/tags/tags/list");
        (await tags.JsonAsync()).GetProperty("tags").GetArrayLength().ShouldBe(0);
    }

    [Theory, Promise("P10")]
    [InlineData(1, 40_000)]
    [InlineData(200, 10)]
    public async Task Headers_TooLargeOrTooMany_Are431(int count, int length)
    {
        var headers = Enumerable.Range(0, count).Select(i => $"X-{i}: {new string('a', length)}").ToArray();
        var (status, answer) = await RawHttp.SendAsync(registry.Address, RawHttp.Head("GET", "/v2/", headers));
        status.ShouldBe(431, answer);
    }

    [Fact]
    public async Task Expect_ForAPushThatIsTaken_GetsItsContinue()
    {
        using var socket = await RawHttp.ConnectAsync(registry.Address);
        await socket.SendAsync(Encoding.ASCII.GetBytes(RawHttp.Head(
            "POST", $"/v2/raw/expect/blobs/uploads/?digest={Digest}", $"Content-Length: {_content.Length}", "Expect: 100-continue")));
        (await ReadAsync(socket)).ShouldBe("HTTP/1.1 100 Continue\r\n\r\n");
        await socket.SendAsync(_content);
        (await ReadAsync(socket)).ShouldStartWith("HTTP/1.1 201 ");
    }

    [Theory]
    [InlineData("POST", "/v2/raw/expect/blobs/uploads/?digest=sha256:x")]
    [InlineData("PUT", "/v2/raw/expect/manifests/v1?tag=-")]
    [InlineData("PATCH", "/v2/raw/expect/blobs/uploads/none")]
    public async Task Expect_ForAPushThatIsRefused_GetsTheRefusalInsteadOfContinue(string method, string path)
    {
        using var socket = await RawHttp.ConnectAsync(registry.Address);
        await socket.SendAsync(Encoding.ASCII.GetBytes(RawHttp.Head(method, path, "Content-Length: 100000000", "Expect: 100-continue")));
        (await ReadAsync(socket)).ShouldStartWith("HTTP/1.1 4");
    }

    [Theory]
    [InlineData("zz\r\nabc\r\n0\r\n\r\n")]
    [InlineData("-1\r\nabc\r\n0\r\n\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFF\r\nabc")]
    [InlineData("3\r\nabcdef\r\n0\r\n\r\n")]
    [InlineData("0x3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    public async Task Chunked_WithGarbage_Is400AndTheSessionIsAsItWas(string body)
    {
        var location = await registry.OpenUploadAsync("raw/chunked");
        (await registry.PatchAsync(location, _content[..1000], "0-999")).Dispose();
        var (status, answer) = await RawHttp.SendAsync(
            registry.Address, RawHttp.Head("PATCH", location, "Transfer-Encoding: chunked"), Encoding.ASCII.GetBytes(body));
        status.ShouldBe(400, answer);
        await ShouldGoOnAsync(location);
    }

    [Theory]
    [InlineData("Transfer-Encoding: gzip")]
    [InlineData("Transfer-Encoding: chunked, gzip")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("Content-Length: 10, 11")]
    [InlineData("Content-Length: 10", "Content-Length: 11")]
    public async Task Length_ThatIsNoneOrTwo_Is400AndTheSessionIsAsItWas(params string[] headers)
    {
        var location = await registry.OpenUploadAsync("raw/length");
        (await registry.PatchAsync(location, _content[..1000], "0-999")).Dispose();
        var (status, answer) = await RawHttp.SendAsync(registry.Address, RawHttp.Head("PATCH", location, headers), new byte[10]);
        status.ShouldBeOneOf([400, 411, 501], answer);
        await ShouldGoOnAsync(location);
    }

    [Fact]
    public async Task Request_InsideAnothersBody_IsNeverRun()
    {
        // Chunked wins over a length, and the connection ends: what one side took for a body the other can't take for a request.
        var inner = $"POST /v2/raw/smuggled/blobs/uploads/?digest={Digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        var (_, answer) = await RawHttp.SendAsync(
            registry.Address,
            "POST /v2/raw/outer/blobs/uploads/?digest=sha256:x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            + $"Content-Length: {5 + inner.Length}\r\n\r\n0\r\n\r\n{inner}");
        answer.Split("HTTP/1.1 ").Length.ShouldBe(2, answer);
    }

    [Fact]
    public async Task Upload_WithAContentEncoding_IsStoredAsSent()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            await gzip.WriteAsync(_content);
        var digest = Samples.DigestOf(packed.ToArray());
        using (var refused = await PostEncodedAsync(packed.ToArray(), Digest))
            refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using (var taken = await PostEncodedAsync(packed.ToArray(), digest))
            taken.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var pulled = await registry.GetAsync($"/v2/raw/gzip/blobs/{digest}", ("Accept-Encoding", "gzip"));
        pulled.Content.Headers.ContentEncoding.ShouldBeEmpty();
        (await pulled.Content.ReadAsByteArrayAsync()).ShouldBe(packed.ToArray());
    }

    [Theory]
    [InlineData("/v2/raw/x/blobs/uploads/?mount={0}&from=..%2f..%2fetc", 202)]
    [InlineData("/v2/raw/x/blobs/uploads/?mount={0}&from=a%00b", 202)]
    [InlineData("/v2/raw/x/blobs/uploads/?mount=..%2f..%2fetc%2fpasswd", 400)]
    [InlineData("/v2/raw/x/blobs/uploads/?digest=sha256:%2e%2e", 400)]
    [InlineData("/v2/raw/x/blobs/uploads/?digest={0}%0A", 400)]
    [InlineData("/v2/raw/x/blobs/uploads/?digest-algorithm=..%2f", 400)]
    public async Task Query_ThatLeavesTheStore_IsRefusedOrFindsNothing(string path, int expected)
    {
        var (status, answer) = await RawHttp.SendAsync(
            registry.Address, RawHttp.Head("POST", string.Format(null, path, Digest), "Content-Length: 0"));
        status.ShouldBe(expected, answer);
    }

    private Task<HttpResponseMessage> PostEncodedAsync(byte[] body, Digest digest) => registry.SendAsync(
        HttpMethod.Post, $"/v2/raw/gzip/blobs/uploads/?digest={digest}", new ByteArrayContent(body), ("Content-Encoding", "gzip"));

    private async Task ShouldGoOnAsync(string location)
    {
        using (var status = await registry.GetAsync(location))
            status.Headers.GetValues("Range").ShouldBe(["0-999"]);
        (await registry.PatchAsync(location, _content[1000..], "1000-2999")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var response = await registry.SendAsync(HttpMethod.Put, $"{location}?digest={Digest}");
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        var answer = new byte[4000];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer, patience.Token));
    }
}
