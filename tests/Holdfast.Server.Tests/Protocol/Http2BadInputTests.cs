using System.Net;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>HTTP/2 over TLS has another parser in front of the same routes; a path comes as unchecked there as it was sent.</summary>
public sealed class Http2BadInputTests : IAsyncLifetime
{
    private const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private readonly CertificateFiles _files = new();
    private readonly RegistryFixture _registry = new();
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _files.Write("leaf");
        _registry.Options = _registry.Options with
        {
            Listeners = [new ListenerOptions { Url = new Uri("https://127.0.0.1:0"), Registry = "test", Tls = _files.Options }],
        };
        await _registry.StartAsync();
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_files.Root);
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } });
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _registry.DisposeAsync();
        _files.Dispose();
    }

    [Theory]
    [InlineData("/v2/%2e%2e/x/tags/list", 400)]
    [InlineData("/v2/a/%2e%2e/b/manifests/v1", 400)]
    [InlineData("/v2/../x/tags/list", 400)]
    [InlineData("/v2/a%00b/tags/list", 400)]
    [InlineData("/v2/A/tags/list", 400)]
    [InlineData("/v2/a/manifests/%2e%2e", 400)]
    [InlineData("/v2/a/manifests/v1%0a", 400)]
    [InlineData("/v2/a/blobs/sha256:" + Hex + "%0a", 400)]
    [InlineData("/v2/a/blobs/sha256:%2e%2e%2f%2e%2e%2fholdfast.db", 400)]
    [InlineData("/v2/a/blobs/uploads/%2e%2e%2fholdfast.db?digest=sha256:" + Hex, 404)]
    [InlineData("/v2/a\u0001b/tags/list", 400)]
    [InlineData("/v2/a\nb/tags/list", 400)]
    [InlineData("/v2/a\0b/tags/list", 400)]
    [InlineData("/v2/a/manifests/v\u007f1", 400)]
    [InlineData("/v2/a/manifests/v 1", 400)]
    public async Task Path_WithWhatNoNameHolds_IsRefusedAndStoresNothing(string path, int expected)
    {
        var before = _registry.StoredFiles();
        foreach (var method in new[] { "GET", "PUT", "DELETE" })
        {
            if (method == "PUT" && path.EndsWith("/list", StringComparison.Ordinal))
                continue;
            var status = await SendAsync(method, path);
            // Kestrel resets the stream of what is no path at all.
            status.ShouldBeOneOf([expected, 405, 0], $"{method} {path}");
            if (!path.Any(char.IsControl) && !path.Contains("%00", StringComparison.Ordinal))
                status.ShouldNotBe(0, $"{method} {path}");
        }
        _registry.StoredFiles().ShouldBe(before);
        (await _registry.CountAsync("SELECT COUNT(*) FROM repositories")).ShouldBe(0);
        (await SendAsync("GET", "/v2/")).ShouldBe(200);
    }

    [Fact, Promise("P10")]
    public async Task HeadersOrQuery_TooLarge_AreRefusedAndTheServerGoesOn()
    {
        var query = string.Join('&', Enumerable.Range(0, 10_000).Select(i => $"tag=t{i}"));
        (await SendAsync("PUT", $"/v2/a/manifests/sha256:{Hex}?{query}")).ShouldBeOneOf(0, 414, 431);
        (await SendAsync("GET", "/v2/", new string('a', 40_000))).ShouldBeOneOf(0, 431);
        (await SendAsync("GET", "/v2/")).ShouldBe(200);
    }

    [Fact]
    public async Task Upload_ResetMidChunk_GoesOnFromItsRange()
    {
        var content = Samples.Bytes(9, 2_000_000);
        using var opened = await _http.SendAsync(Request("POST", "/v2/h2/blobs/uploads/"));
        opened.Version.ShouldBe(HttpVersion.Version20);
        var location = opened.Headers.Location!.ToString();
        using (var dying = Request("PATCH", location))
        {
            dying.Content = new StreamContent(new BrokenStream(content, 1_500_000));
            await Should.ThrowAsync<HttpRequestException>(() => _http.SendAsync(dying));
        }

        using var status = await _http.SendAsync(Request("GET", location));
        var last = long.Parse(status.Headers.GetValues("Range").Single()[2..]);
        var offset = last == 0 ? 0 : last + 1;
        offset.ShouldBeLessThanOrEqualTo(1_500_000);
        using (var rest = Request("PATCH", location))
        {
            rest.Content = new ByteArrayContent(content[(int)offset..]);
            (await _http.SendAsync(rest)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        }
        using var finished = await _http.SendAsync(Request("PUT", $"{location}?digest={Samples.DigestOf(content)}"));
        finished.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    /// <returns>The status, or 0 if the stream was reset.</returns>
    private async Task<int> SendAsync(string method, string path, string? header = null)
    {
        using var request = Request(method, path);
        if (header is not null)
            request.Headers.Add("X-Large", header);
        try
        {
            using var response = await _http.SendAsync(request);
            response.Version.ShouldBe(HttpVersion.Version20);
            return (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    private HttpRequestMessage Request(string method, string path) => new(
        new HttpMethod(method),
        new Uri(_registry.Address.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }))
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private sealed class BrokenStream(byte[] content, int after) : MemoryStream(content, 0, after)
    {
        public override bool CanSeek => false;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            return read > 0 ? read : throw new IOException("the client's disk broke");
        }
    }
}
