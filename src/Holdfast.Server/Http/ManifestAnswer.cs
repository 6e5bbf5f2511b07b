using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

internal static class ManifestAnswer
{
    /// <summary>Answers a GET or HEAD with a manifest, as its caller accepts it (end-3).</summary>
    public static async Task SendManifestAsync(this RegistryRequest request, ContentNames names, string mediaType, ReadOnlyMemory<byte> payload)
    {
        if (await DescribeManifestAsync(request, names, mediaType, payload.Length) && !HttpMethods.IsHead(request.Context.Request.Method))
            await request.Context.Response.BodyWriter.WriteAsync(payload, request.Aborted);
    }

    /// <summary>Writes the answer's head.</summary>
    /// <param name="sizeBytes">Null: not known, and nothing is said of it.</param>
    /// <returns>False if everything is said with it: another type is wanted, or the caller has it.</returns>
    public static async ValueTask<bool> DescribeManifestAsync(this RegistryRequest request, ContentNames names, string mediaType, long? sizeBytes)
    {
        var http = request.Context;
        if (!AcceptedTypes.Allow(http.Request.Headers.Accept, mediaType))
        {
            await request.FailAsync(
                Outcome.ManifestUnknown,
                $"the manifest is of type {mediaType}, which the Accept header does not list",
                json => json.WriteString("mediaType"u8, mediaType));
            return false;
        }
        var headers = http.Response.Headers;
        headers["Docker-Content-Digest"] = names.Digest;
        headers.ETag = names.ETag;
        if (http.Request.Headers.IfNoneMatch.Count > 0 && EntityTags.Match(http.Request.Headers.IfNoneMatch, names.ETag))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return false;
        }
        headers.ContentType = mediaType;
        http.Response.ContentLength = sizeBytes;
        return true;
    }
}
