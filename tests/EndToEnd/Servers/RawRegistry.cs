using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EndToEnd.Images;

namespace EndToEnd.Servers;

/// <summary>Everything reachable from a manifest, as the registry handed it out.</summary>
/// <param name="Manifest">The digest of the bytes that the reference gave.</param>
/// <param name="Digests">Of every manifest and blob, hashed from the bytes received.</param>
internal sealed record Closure(string Manifest, IReadOnlySet<string> Digests);

/// <summary>The registry's HTTP interface, for what no client shows: bytes, codes, and requests that end half-way.</summary>
internal sealed partial class RawRegistry : IDisposable
{
    private static readonly string[] ManifestTypes =
    [
        OciLayout.ImageIndex, OciLayout.ImageManifest, "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ];

    private readonly Endpoint _endpoint;
    private readonly HttpClient _http;
    private string? _token;

    public RawRegistry(Endpoint endpoint)
    {
        _endpoint = endpoint;
        var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(1) };
        if (endpoint.Authority is { } authority)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { X509Certificate2.CreateFromPem(File.ReadAllText(authority)) },
            };
        }

        _http = new HttpClient(handler) { BaseAddress = endpoint.Url, Timeout = TimeSpan.FromMinutes(2) };
    }

    /// <summary>Whether something that speaks HTTP is there, whatever it answers.</summary>
    public async Task<bool> AnswersAsync(CancellationToken token)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri("v2/", UriKind.Relative), token);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Reads a manifest and all that it refers to, and checks every byte against its digest and size.</summary>
    public async Task<Closure> ReadClosureAsync(string repository, string reference, CancellationToken token)
    {
        var digests = new HashSet<string>();
        var top = await ReadManifestAsync(repository, reference, expectedSize: null, digests, token);
        return new Closure(top, digests);
    }

    /// <summary>Sends one request, with the credentials or the token that the registry asks for.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, CancellationToken token, Func<HttpContent>? content = null, IEnumerable<string>? accept = null)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var request = new HttpRequestMessage(method, new Uri(path, UriKind.RelativeOrAbsolute)) { Content = content?.Invoke() };
            foreach (var type in accept ?? [])
            {
                request.Headers.Accept.ParseAdd(type);
            }

            request.Headers.Authorization = _token is not null ? new AuthenticationHeaderValue("Bearer", _token) : Basic();
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
            if (response.StatusCode != HttpStatusCode.Unauthorized || attempt == 1 || !await TryFetchTokenAsync(response, token))
            {
                return response;
            }

            response.Dispose();
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<string> ReadManifestAsync(string repository, string reference, long? expectedSize, HashSet<string> digests, CancellationToken token)
    {
        using var response = await SendAsync(HttpMethod.Get, $"v2/{repository}/manifests/{reference}", token, accept: ManifestTypes);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, $"manifest {repository} {reference}");
        var bytes = await response.Content.ReadAsByteArrayAsync(token);
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (reference.StartsWith("sha256:", StringComparison.Ordinal))
        {
            digest.ShouldBe(reference);
        }

        ((long)bytes.Length).ShouldBe(expectedSize ?? bytes.Length);
        if (!digests.Add(digest))
        {
            return digest;
        }

        var manifest = JsonNode.Parse(bytes)!.AsObject();
        foreach (var child in manifest["manifests"]?.AsArray() ?? [])
        {
            await ReadManifestAsync(repository, (string)child!["digest"]!, (long)child["size"]!, digests, token);
        }

        IEnumerable<JsonNode?> blobs = manifest["config"] is { } config ? [config, .. manifest["layers"]!.AsArray()] : [];
        foreach (var blob in blobs)
        {
            await ReadBlobAsync(repository, (string)blob!["digest"]!, (long)blob["size"]!, digests, token);
        }

        return digest;
    }

    private async Task ReadBlobAsync(string repository, string digest, long size, HashSet<string> digests, CancellationToken token)
    {
        if (!digests.Add(digest))
        {
            return;
        }

        using var response = await SendAsync(HttpMethod.Get, $"v2/{repository}/blobs/{digest}", token);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, $"blob {repository} {digest}");
        response.Content.Headers.ContentLength.ShouldBe(size);
        await using var body = await response.Content.ReadAsStreamAsync(token);
        ("sha256:" + Convert.ToHexStringLower(await SHA256.HashDataAsync(body, token))).ShouldBe(digest);
    }

    private AuthenticationHeaderValue? Basic() =>
        _endpoint.Credentials is var (user, password)
            ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")))
            : null;

    private async Task<bool> TryFetchTokenAsync(HttpResponseMessage response, CancellationToken token)
    {
        var challenge = response.Headers.WwwAuthenticate.FirstOrDefault(c => c.Scheme == "Bearer");
        if (challenge?.Parameter is null)
        {
            return false;
        }

        var parts = Parameter().Matches(challenge.Parameter).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        var query = $"?service={Uri.EscapeDataString(parts["service"])}";
        if (parts.TryGetValue("scope", out var scope))
        {
            query += $"&scope={Uri.EscapeDataString(scope)}";
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, parts["realm"] + query);
        request.Headers.Authorization = Basic();
        using var answer = await _http.SendAsync(request, token);
        answer.EnsureSuccessStatusCode();
        _token = (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync(token))!["token"];
        return _token is not null;
    }

    [GeneratedRegex("""(\w+)="([^"]*)""")]
    private static partial Regex Parameter();
}
