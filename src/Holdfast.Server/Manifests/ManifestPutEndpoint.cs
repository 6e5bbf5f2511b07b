using System.Globalization;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Manifests;

/// <summary>
/// Takes a manifest (end-7a, end-7b): reads it strictly, and has it stored with its edges and tags.
/// </summary>
internal sealed class ManifestPutEndpoint(ManifestCache cache, DiskReserve reserve, ManifestAcceptance acceptance)
{
    // The specification asks for at least 10; the request line's limit is reached at about this many.
    private const int MaxTags = 100;

    public async Task PutAsync(RegistryRequest request)
    {
        if (!Reference.TryParse(request.Route.Last, out var reference))
        {
            await ManifestEndpoint.FailReferenceAsync(request);
            return;
        }
        if (await ReadTagsAsync(request, reference) is not { } tags || await ReadPayloadAsync(request) is not { } payload)
            return;

        var digest = Digest.Compute(reference.IsDigest ? reference.Digest.Algorithm : DigestAlgorithm.Sha256, payload);
        if (reference.IsDigest && digest != reference.Digest)
        {
            await request.FailAsync(
                Outcome.DigestInvalid,
                "the manifest's bytes have another digest than the path names",
                json => json.WriteString("digest"u8, digest.ToString()));
            return;
        }
        if (!ManifestParser.TryParse(payload, request.Context.Request.ContentType, out var manifest, out var problem))
        {
            await request.FailAsync(Outcome.ManifestInvalid, problem);
            return;
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        await PutAsync(request, new ManifestPut(key, digest, payload, manifest, tags));
    }

    private async Task PutAsync(RegistryRequest request, ManifestPut put)
    {
        var closure = await acceptance.PutAsync(request, put);
        if (!closure.IsWhole)
        {
            await (closure.ImmutableTags.Count > 0 ? FailImmutableAsync(request, closure.ImmutableTags) : FailClosureAsync(request, closure));
            return;
        }
        cache.Add(put.Digest, put.Payload.ToArray());
        AnswerStored(request, put);
    }

    private static void AnswerStored(RegistryRequest request, ManifestPut put)
    {
        var response = request.Context.Response;
        response.StatusCode = StatusCodes.Status201Created;
        response.Headers.Location = $"/v2/{put.Repository.Name}/manifests/{put.Digest}";
        response.Headers["Docker-Content-Digest"] = put.Digest.ToString();
        if (put.Manifest.Subject is { } subject)
            response.Headers["OCI-Subject"] = subject.Digest.ToString();
        if (request.Context.Request.Query.ContainsKey("tag"))
            response.Headers["OCI-Tag"] = string.Join(", ", put.Tags);
    }

    private static async ValueTask<IReadOnlyList<Tag>?> ReadTagsAsync(RegistryRequest request, Reference reference)
    {
        var tags = new List<Tag>();
        if (!reference.IsDigest)
            tags.Add(reference.Tag);
        foreach (var value in request.Context.Request.Query["tag"])
        {
            if (!Tag.TryParse(value, out var tag))
            {
                await request.FailAsync(Outcome.ManifestInvalid, "a tag parameter is not a tag", json => json.WriteString("tag"u8, value));
                return null;
            }
            if (!tags.Contains(tag))
                tags.Add(tag);
        }
        if (tags.Count <= MaxTags)
            return tags;
        await request.FailAsync(Outcome.TooManyTags, $"one push takes at most {MaxTags} tags; push the manifest again with the rest");
        return null;
    }

    private async ValueTask<byte[]?> ReadPayloadAsync(RegistryRequest request)
    {
        var http = request.Context;
        if (http.Request.ContentLength > Manifest.MaxSizeBytes)
        {
            await FailTooLargeAsync(request);
            return null;
        }
        if (await reserve.IsShortAsync(http.Request.ContentLength ?? 0, request.Aborted))
        {
            await reserve.FailAsync(request);
            return null;
        }
        using var buffer = new MemoryStream((int)(http.Request.ContentLength ?? 4096));
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await request.ReadBodyAsync(chunk)) > 0)
        {
            if (buffer.Length + read > Manifest.MaxSizeBytes)
            {
                await FailTooLargeAsync(request);
                return null;
            }
            buffer.Write(chunk, 0, read);
        }
        return buffer.ToArray();
    }

    private static Task FailTooLargeAsync(RegistryRequest request) => request.FailAsync(
        Outcome.ManifestTooLarge,
        string.Create(CultureInfo.InvariantCulture, $"a manifest has at most {Manifest.MaxSizeBytes} bytes; put what is larger into a layer"));

    private static Task FailImmutableAsync(RegistryRequest request, IReadOnlyList<Tag> tags) => request.FailAsync(
        Outcome.TagImmutable,
        $"{(tags.Count == 1 ? $"the tag {tags[0]} is" : $"the tags {string.Join(", ", tags)} are")} immutable here (retention.immutableTags) and on another manifest; "
        + "push under another tag, or delete the tag first; nothing was stored",
        json =>
        {
            json.WriteStartArray("tags"u8);
            foreach (var tag in tags)
                json.WriteStringValue(tag.ToString());
            json.WriteEndArray();
        });

    private static Task FailClosureAsync(RegistryRequest request, ManifestClosure closure) => request.FailAsync(
        Outcome.ManifestEdgeMissing,
        "the manifest refers to content that this repository does not have in the stated size; push that first",
        json => WriteClosure(json, closure));

    private static void WriteClosure(Utf8JsonWriter json, ManifestClosure closure)
    {
        json.WriteStartArray("missing"u8);
        foreach (var missing in closure.Missing)
            json.WriteStringValue(missing.Digest.ToString());
        json.WriteEndArray();
        if (closure.Mismatched.Count == 0)
            return;
        json.WriteStartArray("mismatched"u8);
        foreach (var (stated, storedSize) in closure.Mismatched)
        {
            json.WriteStartObject();
            json.WriteString("digest"u8, stated.Digest.ToString());
            json.WriteNumber("statedSize"u8, stated.SizeBytes);
            json.WriteNumber("storedSize"u8, storedSize);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
