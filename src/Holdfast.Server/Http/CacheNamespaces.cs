using System.Diagnostics.CodeAnalysis;
using Holdfast.Storage;

namespace Holdfast.Server.Http;

/// <summary>
/// The caches behind one address. containerd says in the query parameter <c>ns</c> which registry it would have asked without a mirror, as it
/// stands in the image's name: <c>docker.io</c>, <c>ghcr.io</c>, <c>registry.example:5000</c>.
/// </summary>
internal sealed class CacheNamespaces
{
    public const string Parameter = "ns";

    private readonly Dictionary<string, Registry> _caches;

    /// <param name="registries">Hosted ones among them are left out.</param>
    public CacheNamespaces(IEnumerable<Registry> registries)
    {
        // Host names have no case. Of two caches of one upstream the first is meant; a configuration that leaves that open doesn't start.
        _caches = new Dictionary<string, Registry>(StringComparer.OrdinalIgnoreCase);
        foreach (var registry in registries.Where(static registry => registry.IsCache))
            _caches.TryAdd(registry.Cache!.Upstream.Namespace, registry);
    }

    /// <summary>Namespaces, for errors.</summary>
    public string Known => string.Join(", ", _caches.Keys.Order(StringComparer.Ordinal));

    /// <summary>What a request is for before it was said: none of the configuration's registries.</summary>
    public static Registry Unchosen(ContentStores stores) => new(0, ListenerOptions.EveryCache, stores);

    public bool TryFind(string name, [NotNullWhen(true)] out Registry? cache) => _caches.TryGetValue(name, out cache);
}
