using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Referrers;

/// <summary>
/// Lists the manifests that name a digest as their subject (end-12a, end-12b). A subject that is not there, or a repository that
/// is not there, has an empty list, never a 404, which clients would read as "no referrers API here".
/// </summary>
internal sealed class ReferrersEndpoint(ReferrersPages pages)
{
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
        var artifactType = Query.One(http.Request, "artifactType");
        var query = new ReferrersQuery(
            new RepositoryKey(request.Registry.Id, request.Route.Repository), subject, artifactType, last, Math.Min(n, ReferrersPages.MaxRows));
        var page = await pages.ReadAsync(query, request.Aborted);
        if (!page.Next.IsNone)
        {
            var more = artifactType is null ? "" : $"&artifactType={Uri.EscapeDataString(artifactType)}";
            NextPage.Link(http.Response, $"/v2/{query.Repository.Name}/referrers/{subject}", query.Rows, page.Next.ToString(), more);
        }
        if (artifactType is not null)
            http.Response.Headers["OCI-Filters-Applied"] = "artifactType";
        await request.SendBytesAsync(MediaTypes.OciIndex, page.Body);
    }
}
