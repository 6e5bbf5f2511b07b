using Holdfast.Oci;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>The head of an answer with a blob or a part of one (end-2).</summary>
internal static class BlobAnswer
{
    /// <summary>Which part is asked for, the whole for a HEAD.</summary>
    /// <returns>Null if there is nothing to send, and everything is said: what the client has is right, or its range isn't within the blob.</returns>
    public static async ValueTask<ByteRange?> ChoosePartAsync(this RegistryRequest request, ContentNames names, long size)
    {
        var http = request.Context;
        if (EntityTags.Match(http.Request.Headers.IfNoneMatch, names.ETag))
        {
            AddNames(http.Response, names);
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return null;
        }
        var asked = http.Request.Headers.Range;
        // Ranges are defined for GET only (RFC 9110, section 14.2): a HEAD tells of the whole blob.
        if (asked.Count == 0 || HttpMethods.IsHead(http.Request.Method) || !EntityTags.AllowRange(http.Request.Headers.IfRange, names.ETag))
            return new ByteRange(0, size - 1);
        switch (ByteRange.Parse(asked, size, out var range))
        {
            case RangeAnswer.NotSatisfiable:
                AddNames(http.Response, names);
                http.Response.Headers.ContentRange = $"bytes */{size}";
                await request.FailAsync(
                    Outcome.RangeNotSatisfiable, $"this blob has {Counted.Of(size, "byte")}; ask for one range that starts within them");
                return null;
            case RangeAnswer.Part:
                http.Response.StatusCode = StatusCodes.Status206PartialContent;
                return range;
            default:
                return new ByteRange(0, size - 1);
        }
    }

    /// <param name="part">What <see cref="ChoosePartAsync"/> chose; null if the blob's size isn't known.</param>
    public static void DescribeBlob(this RegistryRequest request, ContentNames names, ByteRange? part, long size)
    {
        var response = request.Context.Response;
        AddNames(response, names);
        response.Headers.ContentType = "application/octet-stream";
        if (part is not { } range)
            return;
        if (response.StatusCode == StatusCodes.Status206PartialContent)
            response.Headers.ContentRange = $"bytes {range.First}-{range.Last}/{size}";
        response.ContentLength = range.LengthBytes;
    }

    private static void AddNames(HttpResponse response, ContentNames names)
    {
        response.Headers["Docker-Content-Digest"] = names.Digest;
        response.Headers.ETag = names.ETag;
        response.Headers.AcceptRanges = "bytes";
    }
}
