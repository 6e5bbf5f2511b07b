using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Tags;

/// <summary>Lists a repository's tags in ASCII order (end-8a, end-8b).</summary>
internal sealed class TagsEndpoint(TagsPages pages)
{
    public async Task GetAsync(RegistryRequest request)
    {
        var http = request.Context;
        if (!Query.TryReadPage(http.Request, out var n))
        {
            await request.FailAsync(Outcome.PageInvalid, "n is the number of tags wanted: a whole number of at least 0");
            return;
        }
        var query = new TagsQuery(new RepositoryKey(request.Registry.Id, request.Route.Repository), Query.One(http.Request, "last"), n);
        if (await pages.ReadAsync(query, request.Aborted) is { } page)
            await page.SendAsync(request, n);
        else
            await request.FailAsync(Outcome.RepositoryUnknown, "this registry has no such repository");
    }
}
