using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Catalog;

/// <summary>Lists the repositories that the caller may pull from (Docker Registry HTTP API V2, <c>_catalog</c>).</summary>
internal sealed class CatalogEndpoint
{
    // Rows of every page but the first. A caller who asks for one name and may see none would else cost a query for each repository there is (P10).
    private const int MinScan = 1_000;

    public async Task GetAsync(RegistryRequest request)
    {
        var http = request.Context;
        if (!Query.TryReadPage(http.Request, out var n))
        {
            await request.FailAsync(Outcome.PageInvalid, "n is the number of repositories wanted: a whole number of at least 0");
            return;
        }
        var (names, hasMore) = await ReadAsync(request, Query.One(http.Request, "last"), n);
        if (hasMore && names.Count > 0)
            NextPage.Link(http.Response, "/v2/_catalog", n, names[^1]);
        await request.SendJsonAsync("application/json", names, static (json, names) =>
        {
            json.WriteStartObject();
            json.WriteStartArray("repositories"u8);
            foreach (var name in names)
                json.WriteStringValue(name);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    // Pages of the table until the answer is full: a caller may see few of the names.
    private static async ValueTask<(List<string> Names, bool HasMore)> ReadAsync(RegistryRequest request, string? last, int n)
    {
        var readable = new List<string>();
        if (n == 0)
            return (readable, false);
        for (var rows = n; ; rows = Math.Max(n, MinScan))
        {
            var page = await request.Registry.Metadata.ReadAsync(
                (request.Registry.Id, last, rows),
                static (session, s) => Repositories.List(session, s.Id, s.last, s.rows),
                request.Aborted);
            for (var i = 0; i < page.Names.Count; i++)
            {
                if (!request.Caller!.May(RepositoryName.Parse(page.Names[i]), RegistryActions.Pull))
                    continue;
                readable.Add(page.Names[i]);
                if (readable.Count == n)
                    return (readable, page.HasMore || i < page.Names.Count - 1);
            }
            if (!page.HasMore)
                return (readable, false);
            last = page.Names[^1];
        }
    }
}
