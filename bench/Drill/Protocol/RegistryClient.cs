using System.Net.Http.Headers;
using Holdfast.Drill.Images;

namespace Holdfast.Drill.Protocol;

/// <summary>The distribution-spec's requests. A cut connection is an answer, too: these servers get killed.</summary>
internal sealed class RegistryClient : IDisposable
{
    private static readonly string[] ManifestTypes =
    [
        Manifest.ImageType, Manifest.IndexType, "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ];

    private readonly HttpClient _http;

    public RegistryClient(Uri address) => _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromSeconds(60),
    };

    public Task<Answer> GetManifestAsync(string repository, string reference, CancellationToken token) =>
        SendAsync(HttpMethod.Get, $"v2/{repository}/manifests/{reference}", null, token);

    public Task<Answer> HeadManifestAsync(string repository, string reference, CancellationToken token) =>
        SendAsync(HttpMethod.Head, $"v2/{repository}/manifests/{reference}", null, token);

    public Task<Answer> GetBlobAsync(string repository, string digest, CancellationToken token) =>
        SendAsync(HttpMethod.Get, $"v2/{repository}/blobs/{digest}", null, token);

    public Task<Answer> HeadBlobAsync(string repository, string digest, CancellationToken token) =>
        SendAsync(HttpMethod.Head, $"v2/{repository}/blobs/{digest}", null, token);

    public Task<Answer> DeleteManifestAsync(string repository, string reference, CancellationToken token) =>
        SendAsync(HttpMethod.Delete, $"v2/{repository}/manifests/{reference}", null, token);

    public Task<Answer> DeleteBlobAsync(string repository, string digest, CancellationToken token) =>
        SendAsync(HttpMethod.Delete, $"v2/{repository}/blobs/{digest}", null, token);

    /// <param name="tags">The tags that this one request sets; with several, the path names the digest (dist-spec dev).</param>
    public Task<Answer> PutManifestAsync(string repository, Manifest manifest, IReadOnlyList<string> tags, CancellationToken token)
    {
        var path = tags switch
        {
            [] => manifest.Digest,
            [var tag] => tag,
            _ => $"{manifest.Digest}?{string.Join('&', tags.Select(tag => "tag=" + tag))}",
        };
        return SendAsync(HttpMethod.Put, $"v2/{repository}/manifests/{path}", Body(manifest.Content.Bytes, manifest.MediaType), token);
    }

    /// <returns>201: it is mounted; 202: it wasn't, and an upload was begun that nobody will end.</returns>
    public Task<Answer> MountAsync(string repository, string digest, string from, CancellationToken token) =>
        SendAsync(HttpMethod.Post, $"v2/{repository}/blobs/uploads/?mount={digest}&from={from}", Body([], null), token);

    public async Task<Answer> UploadAsync(string repository, Content blob, UploadWay way, CancellationToken token)
    {
        if (way == UploadWay.Post)
            return await SendAsync(HttpMethod.Post, $"v2/{repository}/blobs/uploads/?digest={blob.Digest}", Body(blob.Bytes, Octets), token);

        var opened = await SendAsync(HttpMethod.Post, $"v2/{repository}/blobs/uploads/", Body([], null), token);
        if (opened is not { Status: 202, Location: { } location })
            return opened;
        var chunks = way switch { UploadWay.Put => 0, UploadWay.Streamed => 1, _ => 3 };
        for (var i = 0; i < chunks; i++)
        {
            var (from, to) = ((int)((long)blob.Bytes.Length * i / chunks), (int)((long)blob.Bytes.Length * (i + 1) / chunks));
            var content = Body(blob.Bytes[from..to], Octets);
            if (way == UploadWay.Chunked && to > from)
                content.Headers.TryAddWithoutValidation("Content-Range", $"{from}-{to - 1}");
            var sent = await SendAsync(HttpMethod.Patch, location, content, token);
            if (sent.Status != 202)
                return sent;
            location = sent.Location ?? location;
        }

        var separator = location.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        return await SendAsync(HttpMethod.Put, $"{location}{separator}digest={blob.Digest}", Body(chunks == 0 ? blob.Bytes : [], Octets), token);
    }

    public void Dispose() => _http.Dispose();

    private const string Octets = "application/octet-stream";

    private async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken token)
    {
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(path, UriKind.RelativeOrAbsolute)) { Content = content };
            if (path.Contains("/manifests/", StringComparison.Ordinal))
            {
                foreach (var type in ManifestTypes)
                    request.Headers.Accept.ParseAdd(type);
            }

            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, token);
            return new Answer((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(token), response.Headers.Location?.ToString());
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !token.IsCancellationRequested))
        {
            return Answer.None;
        }
    }

    private static ByteArrayContent Body(byte[] bytes, string? type)
    {
        var content = new ByteArrayContent(bytes);
        if (type is not null)
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return content;
    }
}
