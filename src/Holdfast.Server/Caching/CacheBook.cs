using System.Diagnostics.CodeAnalysis;
using Holdfast.Server.Http;

namespace Holdfast.Server.Caching;

/// <summary>All caches of this server, by their registries' ids.</summary>
internal sealed class CacheBook(IReadOnlyDictionary<int, Cache> caches)
{
    public IEnumerable<Cache> All => caches.Values;

    public Cache Of(RegistryRequest request) => caches[request.Registry.Id];

    public bool TryFind(int registry, [NotNullWhen(true)] out Cache? cache) => caches.TryGetValue(registry, out cache);

    /// <summary>Wraps a handler: a request which this very cache has sent, and that has come back to it, ends here; of the others, names are made those that are kept.</summary>
    public Handler Guard(Handler handler) => request =>
    {
        var cache = Of(request);
        if (IsOwn(request, cache))
        {
            return request.FailAsync(
                Outcome.UpstreamLoop, $"the upstream of cache {request.Registry.Name} leads back to this cache; correct upstream.url under registries.{request.Registry.Name}");
        }
        request.Route = request.Route with { Repository = cache.NameOf(request.Route.Repository) };
        return handler(request);
    };

    private static bool IsOwn(RegistryRequest request, Cache cache)
    {
        foreach (var via in request.Context.Request.Headers.Via)
        {
            // The name of one cache may be the beginning of another's.
            if (via?.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Contains(cache.Via, StringComparer.Ordinal) == true)
                return true;
        }
        return false;
    }
}
