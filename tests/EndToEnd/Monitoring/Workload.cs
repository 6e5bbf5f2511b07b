using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Monitoring;

/// <summary>Rounds of everything that a server counts: pushes, pulls, refused logins, deletes, retention, damage that is found and healed.</summary>
internal sealed class Workload(HoldfastProcess server, string data, string users) : IDisposable
{
    /// <summary>What makes the server do in seconds what it does in days; but the scrub lags behind, so that pulls find bytes that are due.</summary>
    public const string Configuration = """
        collection: { interval: 500ms, grace: 0s, lease: 1s }
        trash: { keep: 5s }
        probe: { interval: 1s }
        scrub: { period: 2s, sweep: 1s, rate: 64KiB/s }
        retention:
          - { registries: [plain], repositories: ["retained"], keepNewest: 1, maxRemoved: 100% }
        """;

    private readonly RawRegistry _raw = new(server.For(Mode.Plain));
    private readonly RawRegistry _wrong = new(server.For(Mode.Basic) with { Credentials = new Credentials("ci", "wrong") });
    private int _round;

    public async Task RunAsync(CancellationToken token)
    {
        _round++;
        var layer = await PushAsync("kept", token);
        await PushAsync("retained", token);
        foreach (var round in Enumerable.Range(Math.Max(1, _round - 5), Math.Min(6, _round)))
        {
            (await _raw.ReadClosureAsync("kept", round.ToString(CultureInfo.InvariantCulture), token)).Digests.Count.ShouldBe(3);
        }

        using (var refused = await _wrong.SendAsync(HttpMethod.Get, "v2/kept/tags/list", token))
        {
            // After some of them the address is slowed down.
            refused.StatusCode.ShouldBeOneOf(HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests);
        }

        var deleted = await PushAsync("deleted", token);
        (await SendAsync(HttpMethod.Delete, $"v2/deleted/manifests/{Tag}", token)).ShouldBe(HttpStatusCode.Accepted);
        await new ToolCall(HoldfastProcess.Executable, "retention", "apply", "--data", data, "--yes").OutputAsync(token);
        // A line that is no user; what was read before stays in use.
        await File.AppendAllTextAsync(users, "no user\n", token);
        await DamageAndHealAsync(layer, token);
    }

    public void Dispose()
    {
        _raw.Dispose();
        _wrong.Dispose();
    }

    private string Tag => _round.ToString(CultureInfo.InvariantCulture);

    /// <summary>An image of its own for each round and repository.</summary>
    /// <returns>The bytes of its layer.</returns>
    private async Task<byte[]> PushAsync(string repository, CancellationToken token)
    {
        var config = Encoding.UTF8.GetBytes($$"""{"os":"linux","architecture":"amd64","author":"{{repository}} {{_round}}"}""");
        var layer = RandomNumberGenerator.GetBytes(64 << 10);
        await PushBlobAsync(repository, config, token);
        await PushBlobAsync(repository, layer, token);
        var manifest = $$"""
            {"schemaVersion":2,"mediaType":"{{OciLayout.ImageManifest}}",
             "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Digest(config)}}","size":{{config.Length}}},
             "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{Digest(layer)}}","size":{{layer.Length}}}]}
            """;
        (await SendAsync(HttpMethod.Put, $"v2/{repository}/manifests/{Tag}", token, Encoding.UTF8.GetBytes(manifest), OciLayout.ImageManifest)).ShouldBe(HttpStatusCode.Created);
        return layer;
    }

    private async Task PushBlobAsync(string repository, byte[] bytes, CancellationToken token)
    {
        (await SendAsync(HttpMethod.Post, $"v2/{repository}/blobs/uploads/?digest={Digest(bytes)}", token, bytes)).ShouldBe(HttpStatusCode.Created);
        // A session too, which stays open until the next start.
        (await SendAsync(HttpMethod.Post, $"v2/{repository}/blobs/uploads/", token)).ShouldBe(HttpStatusCode.Accepted);
    }

    /// <summary>The file goes, somebody pulls it, the sweep finds it, a push heals it.</summary>
    private async Task DamageAndHealAsync(byte[] layer, CancellationToken token)
    {
        var digest = Digest(layer);
        var hex = digest.Split(':')[1];
        File.Delete(Path.Combine(data, "blobs", "sha256", hex[..2], hex));
        (await SendAsync(HttpMethod.Get, $"v2/kept/blobs/{digest}", token)).ShouldBe(HttpStatusCode.NotFound);
        await Task.Delay(TimeSpan.FromSeconds(2), token);
        await PushBlobAsync("kept", layer, token);
    }

    private async Task<HttpStatusCode> SendAsync(HttpMethod method, string path, CancellationToken token, byte[]? body = null, string type = "application/octet-stream")
    {
        using var response = await _raw.SendAsync(method, path, token, body is null ? null : () => new ByteArrayContent(body) { Headers = { ContentType = new(type) } });
        return response.StatusCode;
    }

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
