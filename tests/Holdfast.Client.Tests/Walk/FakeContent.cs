using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Client.Tests.Walk;

/// <summary>
/// What a registry holds, as a hand-made one answers it: right unless a test has put something else in its place.
/// </summary>
internal sealed class FakeContent
{
    public ConcurrentDictionary<Digest, byte[]> Blobs { get; } = new();

    public ConcurrentDictionary<Digest, (byte[] Bytes, string MediaType)> Manifests { get; } = new();

    public ConcurrentDictionary<string, Digest> Tags { get; } = new(StringComparer.Ordinal);

    /// <summary>Null: the registry has no list of referrers, as registry:2 hasn't.</summary>
    public ConcurrentDictionary<Digest, string>? Referrers { get; set; }

    /// <summary>What <see cref="Instead"/> returns if it has nothing to say.</summary>
    public static Task AsUsual { get; } = new(static () => { });

    /// <summary>Answers instead, unless it returns <see cref="AsUsual"/>.</summary>
    public Func<HttpContext, string, Task> Instead { get; set; } = static (_, _) => AsUsual;

    /// <summary>Requests under way at once, at most so far.</summary>
    public int MostAtOnce => _most;

    private int _now;
    private int _most;

    public Digest AddBlob(byte[] bytes)
    {
        var digest = Samples.DigestOf(bytes);
        Blobs[digest] = bytes;
        return digest;
    }

    public Digest AddManifest(string json, string mediaType = MediaTypes.OciManifest)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var digest = Samples.DigestOf(bytes);
        Manifests[digest] = (bytes, mediaType);
        return digest;
    }

    /// <summary>An image with one config and some layers.</summary>
    public Digest AddImage(int seed, int layers = 2, int layerBytes = 1_000, Digest subject = default)
    {
        var config = AddBlob(Encoding.UTF8.GetBytes($"{{\"seed\":{seed}}}"));
        var list = Enumerable.Range(0, layers).Select(i => AddBlob(Samples.Bytes((seed * 100) + i, layerBytes))).Select(digest => Entry("application/vnd.oci.image.layer.v1.tar", digest));
        var hung = subject.IsNone ? "" : $",\"subject\":{Entry(MediaTypes.OciManifest, subject)}";
        return AddManifest($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Entry("application/vnd.oci.image.config.v1+json", config)}},"layers":[{{string.Join(',', list)}}]{{hung}}}
            """);
    }

    public Digest AddIndex(params (Digest Digest, string Platform)[] children)
    {
        var list = children.Select(child =>
        {
            var parts = child.Platform.Split('/');
            var platform = parts.Length < 2 ? "" : $",\"platform\":{{\"os\":\"{parts[0]}\",\"architecture\":\"{parts[1]}\"}}";
            return $"{{{Members(Manifests[child.Digest].MediaType, child.Digest)}{platform}}}";
        });
        return AddManifest($"{{\"schemaVersion\":2,\"mediaType\":\"{MediaTypes.OciIndex}\",\"manifests\":[{string.Join(',', list)}]}}", MediaTypes.OciIndex);
    }

    public string Entry(string mediaType, Digest digest) => $"{{{Members(mediaType, digest)}}}";

    public async Task AnswerAsync(HttpContext context)
    {
        var now = Interlocked.Increment(ref _now);
        for (var most = _most; now > most; most = _most)
            Interlocked.CompareExchange(ref _most, now, most);
        try
        {
            var path = context.Request.Path.Value!;
            var answer = Instead(context, path);
            await (ReferenceEquals(answer, AsUsual) ? AnswerAsync(context, path) : answer);
        }
        finally
        {
            Interlocked.Decrement(ref _now);
        }
    }

    private string Members(string mediaType, Digest digest)
    {
        var size = Manifests.TryGetValue(digest, out var manifest) ? manifest.Bytes.Length : Blobs[digest].Length;
        return string.Create(CultureInfo.InvariantCulture, $"\"mediaType\":\"{mediaType}\",\"digest\":\"{digest}\",\"size\":{size}");
    }

    private Task AnswerAsync(HttpContext context, string path)
    {
        var last = path[(path.LastIndexOf('/') + 1)..];
        if (path == "/v2/")
            return context.AnswerAsync(200, "{}");
        if (path.EndsWith("/tags/list", StringComparison.Ordinal))
            return context.AnswerAsync(200, $"{{\"tags\":[{string.Join(',', Tags.Keys.Order(StringComparer.Ordinal).Select(tag => $"\"{tag}\""))}]}}");
        if (path.Contains("/referrers/", StringComparison.Ordinal) && Referrers is { } referrers)
            return context.AnswerAsync(200, referrers.GetValueOrDefault(Digest.Parse(last), """{"schemaVersion":2,"manifests":[]}"""));
        if (path.Contains("/blobs/", StringComparison.Ordinal) && Blobs.TryGetValue(Digest.Parse(last), out var blob))
            return SendAsync(context, blob);
        if (path.Contains("/manifests/", StringComparison.Ordinal) && (Digest.TryParse(last, out var digest) || Tags.TryGetValue(last, out digest)) && Manifests.TryGetValue(digest, out var manifest))
        {
            context.Response.Headers["Docker-Content-Digest"] = digest.ToString();
            context.Response.ContentType = manifest.MediaType;
            return SendAsync(context, manifest.Bytes);
        }
        return context.AnswerAsync(404, """{"errors":[{"code":"UNKNOWN","message":"not known here"}]}""");
    }

    private static Task SendAsync(HttpContext context, byte[] bytes)
    {
        context.Response.ContentLength = bytes.Length;
        return context.Request.Method == "HEAD" ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }
}
