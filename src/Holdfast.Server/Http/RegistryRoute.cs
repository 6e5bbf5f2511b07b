using Holdfast.Oci;

namespace Holdfast.Server.Http;

/// <summary>A request's path, taken apart. <see cref="Repository"/> is none if the place has none or the name is not one.</summary>
/// <param name="Kind">The place.</param>
/// <param name="Repository">The repository named in the path.</param>
/// <param name="Name">The name as it stood in the path, for errors.</param>
/// <param name="Last">The last segment: a digest, a tag or a session's id, not yet looked at.</param>
internal readonly record struct RegistryRoute(RouteKind Kind, RepositoryName Repository, string Name, string Last)
{
    /// <summary>Does the place belong to a repository, so that without a valid name there is nothing that anyone may do there?</summary>
    public bool NeedsRepository =>
        Kind is RouteKind.Blob or RouteKind.Manifest or RouteKind.Uploads or RouteKind.Upload or RouteKind.Tags or RouteKind.Referrers;

    /// <summary>Routes a raw request target (no decoding, no dot-segment removal was done to it), without its query.</summary>
    public static RegistryRoute Parse(ReadOnlySpan<char> path)
    {
        if (path is "/v2/" or "/v2")
            return Of(RouteKind.Base);
        if (path.StartsWith("/v2/", StringComparison.Ordinal))
            return ParseRepositoryPath(path[4..]);
        if (path.StartsWith(AdminTable.Root, StringComparison.Ordinal))
            return Of(RouteKind.Admin);
        return path switch
        {
            "/healthz" => Of(RouteKind.Health),
            "/readyz" => Of(RouteKind.Ready),
            "/metrics" => Of(RouteKind.Metrics),
            "/token" => Of(RouteKind.Token),
            _ => default,
        };
    }

    private static RegistryRoute Of(RouteKind kind) => new(kind, default, "", "");

    // From the end, since a name holds slashes and may itself contain "blobs" or "tags".
    private static RegistryRoute ParseRepositoryPath(ReadOnlySpan<char> path)
    {
        if (path is "_catalog")
            return Of(RouteKind.Catalog);
        if (path.EndsWith("/tags/list", StringComparison.Ordinal))
            return In(RouteKind.Tags, path[..^"/tags/list".Length], "");
        if (path.EndsWith("/blobs/uploads/", StringComparison.Ordinal))
            return In(RouteKind.Uploads, path[..^"/blobs/uploads/".Length], "");
        if (path.EndsWith("/blobs/uploads", StringComparison.Ordinal))
            return In(RouteKind.Uploads, path[..^"/blobs/uploads".Length], "");

        var slash = path.LastIndexOf('/');
        if (slash <= 0)
            return default;
        var last = path[(slash + 1)..];
        var before = path[..slash];
        if (before.EndsWith("/manifests", StringComparison.Ordinal))
            return In(RouteKind.Manifest, before[..^"/manifests".Length], Unescape(last));
        if (before.EndsWith("/blobs/uploads", StringComparison.Ordinal))
            return In(RouteKind.Upload, before[..^"/blobs/uploads".Length], last.ToString());
        if (before.EndsWith("/blobs", StringComparison.Ordinal))
            return In(RouteKind.Blob, before[..^"/blobs".Length], Unescape(last));
        if (before.EndsWith("/referrers", StringComparison.Ordinal))
            return In(RouteKind.Referrers, before[..^"/referrers".Length], Unescape(last));
        return default;
    }

    private static RegistryRoute In(RouteKind kind, ReadOnlySpan<char> name, string last)
    {
        return RepositoryName.TryParse(name, out var repository)
            ? new RegistryRoute(kind, repository, repository.ToString(), last)
            : new RegistryRoute(kind, default, name.ToString(), last);
    }

    // A colon may come escaped; nothing else that a digest or a tag holds needs to be, so any other escape stays and is then no reference.
    private static string Unescape(ReadOnlySpan<char> segment) =>
        segment.Contains('%') ? segment.ToString().Replace("%3A", ":", StringComparison.OrdinalIgnoreCase) : segment.ToString();
}
