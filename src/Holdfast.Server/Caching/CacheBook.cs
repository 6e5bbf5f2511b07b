using System.Diagnostics.CodeAnalysis;
using Holdfast.Client;
using Holdfast.Server.Http;

namespace Holdfast.Server.Caching;

/// <summary>All caches of this server, by their registries' ids.</summary>
internal sealed class CacheBook(IReadOnlyDictionary<int, Cache> caches)
{
    public IEnumerable<Cache> All => caches.Values;

    public Cache Of(RegistryRequest request) => caches[request.Registry.Id];

    public bool TryFind(int registry, [NotNullWhen(true)] out Cache? cache) => caches.TryGetValue(registry, out cache);

    /// <summary>Wraps a handler: a request which this very cache has sent, and that has come back to it, ends here; of the others, it is kept who sent them on.</summary>
    public Handler Guard(Handler handler) => request =>
    {
        var chain = ViaChain.Read(request.Context.Request.Headers.Via);
        if (chain.Count == 0)
            return handler(request);
        var cache = Of(request);
        if (chain.Contains(cache.Via, StringComparer.Ordinal) || chain.Count > ViaChain.MaxLength)
        {
            return request.FailAsync(
                Outcome.UpstreamLoop, $"the upstream of cache {cache.Name} leads back to this cache; correct upstream.url under registries.{cache.Name}, or that of the cache that it leads to");
        }
        ViaChain.Current = chain;
        return handler(request);
    };
}
