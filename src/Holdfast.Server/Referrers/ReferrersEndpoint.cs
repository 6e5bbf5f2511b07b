using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Referrers;

/// <summary>
/// Lists the manifests that name a digest as their subject (end-12a, end-12b). A subject that is not there, or a repository that
/// is not there, has an empty list, never a 404, which clients would read as "no referrers API here".
/// </summary>
internal sealed class ReferrersEndpoint
{
    // Descriptors carry all annotations of their manifests, so a page is bounded in both count and bytes: clients take it as a manifest,
    // and we hold it in memory (P10).
    private const int MaxPage = 1_000;
    private const int MaxPageBytes = Manifest.MaxSizeBytes / 2;

    public async Task GetAsync(RegistryRequest request)
    {
        var http = request.Context;
        if (!Digest.TryParse(request.Route.Last, out var subject))
        {
            await request.FailAsync(Outcome.DigestInvalid, "the subject's digest is sha256: and 64, or sha512: and 128, lower-case hex digits");
            return;
        }
        var last = default(Digest);
        if (!Query.TryReadPage(http.Request, out var n) || n == 0
            || (Query.One(http.Request, "last") is { } text && !Digest.TryParse(text, out last)))
        {
            await request.FailAsync(Outcome.PageInvalid, "n is a whole number of at least 1, and last is the digest that the page starts after");
            return;
        }
        n = Math.Min(n, MaxPage);
        var artifactType = Query.One(http.Request, "artifactType");
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        var page = await request.Registry.Metadata.ReadAsync(
            (key, subject, artifactType, last, limit: new PageLimit(n, MaxPageBytes)),
            static (session, s) => Storage.Metadata.Referrers.List(session, s.key, s.subject, s.artifactType, s.last, s.limit),
            request.Aborted);

        if (page.HasMore && page.Referrers.Count > 0)
        {
            var more = artifactType is null ? "" : $"&artifactType={Uri.EscapeDataString(artifactType)}";
            NextPage.Link(http.Response, $"/v2/{key.Name}/referrers/{subject}", n, page.Referrers[^1].Digest.ToString(), more);
        }
        if (artifactType is not null)
            http.Response.Headers["OCI-Filters-Applied"] = "artifactType";
        await request.SendJsonAsync(MediaTypes.OciIndex, page.Referrers, Write);
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<ReferrerRow> referrers)
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion"u8, 2);
        json.WriteString("mediaType"u8, MediaTypes.OciIndex);
        json.WriteStartArray("manifests"u8);
        foreach (var referrer in referrers)
        {
            json.WriteStartObject();
            json.WriteString("mediaType"u8, referrer.MediaType);
            json.WriteNumber("size"u8, referrer.SizeBytes);
            json.WriteString("digest"u8, referrer.Digest.ToString());
            if (referrer.ArtifactType is not null)
                json.WriteString("artifactType"u8, referrer.ArtifactType);
            if (referrer.AnnotationsJson is not null)
            {
                json.WritePropertyName("annotations"u8);
                json.WriteRawValue(referrer.AnnotationsJson);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
