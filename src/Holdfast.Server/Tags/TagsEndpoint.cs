using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Tags;

/// <summary>Lists a repository's tags in ASCII order (end-8a, end-8b).</summary>
internal sealed class TagsEndpoint
{
    public async Task GetAsync(RegistryRequest request)
    {
        var http = request.Context;
        if (!Query.TryReadPage(http.Request, out var n))
        {
            await request.FailAsync(Outcome.PageInvalid, "n is the number of tags wanted: a whole number of at least 0");
            return;
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        var page = await request.Registry.Metadata.ReadAsync(
            (key, last: Query.One(http.Request, "last"), n),
            static (session, s) => Repositories.Exists(session, s.key) ? Storage.Metadata.Tags.List(session, s.key, s.last, s.n) : null,
            request.Aborted);
        if (page is null)
        {
            await request.FailAsync(Outcome.RepositoryUnknown, "this registry has no such repository");
            return;
        }
        if (page.HasMore && n > 0)
            NextPage.Link(http.Response, $"/v2/{key.Name}/tags/list", n, page.Names[^1]);
        await request.SendJsonAsync("application/json", (key.Name, page.Names), static (json, s) =>
        {
            json.WriteStartObject();
            json.WriteString("name"u8, s.Name.ToString());
            json.WriteStartArray("tags"u8);
            foreach (var tag in s.Names)
                json.WriteStringValue(tag);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }
}
