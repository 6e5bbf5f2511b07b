using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Blobs;

/// <summary>Blobs by digest: GET and HEAD (end-2), DELETE (end-10).</summary>
internal sealed partial class BlobEndpoint(PushLeases leases, TimeProvider time, ILogger<BlobEndpoint> log)
{
    public async Task GetAsync(RegistryRequest request)
    {
        if (!Digest.TryParse(request.Route.Last, out var digest))
        {
            await request.FailAsync(Outcome.DigestInvalid, DigestProblem);
            return;
        }
        await using var reader = await OpenAsync(request, digest);
        if (reader is null)
        {
            await request.FailAsync(
                Outcome.BlobUnknown, "this repository has no such blob", json => json.WriteString("digest"u8, digest.ToString()));
            return;
        }

        var http = request.Context;
        var etag = $"\"{digest}\"";
        http.Response.Headers["Docker-Content-Digest"] = digest.ToString();
        http.Response.Headers.ETag = etag;
        http.Response.Headers.AcceptRanges = "bytes";
        if (EntityTags.Match(http.Request.Headers.IfNoneMatch, etag))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        await AnswerAsync(request, reader, etag);
    }

    public async Task DeleteAsync(RegistryRequest request)
    {
        if (!Digest.TryParse(request.Route.Last, out var digest))
        {
            await request.FailAsync(Outcome.DigestInvalid, DigestProblem);
            return;
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        var result = await request.Registry.Metadata.WriteAsync(
            (key, digest, by: Deletions.By(request), now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (session, s) => BlobLinks.Remove(session, s.key, s.digest, s.by, s.now),
            request.Aborted);
        switch (result.Outcome)
        {
            case DeleteOutcome.Deleted:
                request.Context.Response.StatusCode = StatusCodes.Status202Accepted;
                break;
            case DeleteOutcome.Unknown:
                await request.FailAsync(
                    Outcome.BlobUnknown, "this repository has no such blob", json => json.WriteString("digest"u8, digest.ToString()));
                break;
            case DeleteOutcome.Held:
                await request.FailHeldAsync(result, "manifests of this repository use this blob, and would break without it; delete them first (detail.holders), then this one can go, or goes by itself after collection.grace");
                break;
        }
    }

    private const string DigestProblem = "a digest is sha256: and 64, or sha512: and 128, lower-case hex digits";

    // Absent, missing on disk and of the wrong size are one answer for HEAD and GET alike, so that a client pushes it again (P4).
    private async ValueTask<BlobReader?> OpenAsync(RegistryRequest request, Digest digest)
    {
        var registry = request.Registry;
        var key = new RepositoryKey(registry.Id, request.Route.Repository);
        var linked = await registry.Metadata.ReadAsync(
            (key, digest), static (session, s) => BlobLinks.Find(session, s.key, s.digest), request.Aborted);
        if (linked is not { } blob)
            return null;
        var reader = await registry.Blobs.OpenAsync(digest, request.Aborted);
        if (reader is not null && reader.SizeBytes == blob.SizeBytes)
        {
            if (await leases.HoldAsync(request, blob))
                return reader;
        }
        else
        {
            LogDamaged(log, digest, request.Route.Name, blob.SizeBytes, reader?.SizeBytes ?? -1);
            BlobMetrics.Damaged.Add(1);
        }
        if (reader is not null)
            await reader.DisposeAsync();
        return null;
    }

    private static Task AnswerAsync(RegistryRequest request, BlobReader reader, string etag)
    {
        var http = request.Context;
        var size = reader.SizeBytes;
        var part = new ByteRange(0, size - 1);
        var asked = http.Request.Headers.Range;
        var isHead = HttpMethods.IsHead(http.Request.Method);
        // Ranges are defined for GET only (RFC 9110, section 14.2): a HEAD tells of the whole blob.
        if (asked.Count > 0 && !isHead && EntityTags.AllowRange(http.Request.Headers.IfRange, etag))
        {
            switch (ByteRange.Parse(asked, size, out var range))
            {
                case RangeAnswer.NotSatisfiable:
                    http.Response.Headers.ContentRange = $"bytes */{size}";
                    return request.FailAsync(
                        Outcome.RangeNotSatisfiable, $"this blob has {size} bytes; ask for one range that starts within them");
                case RangeAnswer.Part:
                    part = range;
                    http.Response.StatusCode = StatusCodes.Status206PartialContent;
                    http.Response.Headers.ContentRange = $"bytes {range.First}-{range.Last}/{size}";
                    break;
                case RangeAnswer.Whole:
                    break;
            }
        }
        http.Response.Headers.ContentType = "application/octet-stream";
        http.Response.ContentLength = part.LengthBytes;
        return isHead ? Task.CompletedTask : BlobSender.SendAsync(http, reader, part);
    }

    [LoggerMessage(100, LogLevel.Error, "blob {Digest}, linked by {Repository}, should have {StatedBytes} bytes and has {FoundBytes} (-1: none); answering 404 until it is pushed again")]
    private static partial void LogDamaged(ILogger log, Digest digest, string repository, long statedBytes, long foundBytes);
}
