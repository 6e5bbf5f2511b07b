using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

internal static class NextPage
{
    /// <summary>Sets the Link header to the next page (dist-spec v1.1.1, end-8b; RFC 5988).</summary>
    /// <param name="path">The list's path, without a query.</param>
    /// <param name="last">The last entry of this page, where the next one starts after.</param>
    /// <param name="more">Further parameters to keep, ready to be appended, such as <c>&amp;artifactType=…</c>.</param>
    public static void Link(HttpResponse response, string path, int n, string last, string more = "") =>
        response.Headers.Link = $"<{path}?n={n}&last={Uri.EscapeDataString(last)}{more}{Namespace(response.HttpContext.Request)}>; rel=\"next\"";

    // Without it the next page would be one of all caches, or of none.
    private static string Namespace(HttpRequest request) =>
        request.Query.TryGetValue(CacheNamespaces.Parameter, out var names) && names is [{ Length: > 0 } name] ? $"&{CacheNamespaces.Parameter}={Uri.EscapeDataString(name)}" : "";
}
