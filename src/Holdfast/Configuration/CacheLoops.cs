using System.Net;
using System.Net.NetworkInformation;
using Holdfast.Server;

namespace Holdfast.Configuration;

/// <summary>Finds caches that would ask themselves, and namespaces that don't say which cache is meant.</summary>
internal sealed class CacheLoops(MapSetting root, List<BoundRegistry> registries, IReadOnlyList<ListenerOptions> listeners, Problems problems)
{
    private readonly Lazy<HashSet<IPAddress>> own = new(static () =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(one => one.GetIPProperties().UnicastAddresses).Select(one => one.Address)]);

    public void Check()
    {
        foreach (var registry in registries.Where(r => r.Options.Cache is not null))
            CheckLoop(registry);
        CheckNamespaces();
    }

    private void CheckLoop(BoundRegistry registry)
    {
        foreach (var url in registry.Options.Cache!.Upstream.Urls)
        {
            foreach (var listener in listeners.Where(l => Reaches(url, l)))
            {
                var name = listener.Registry;
                if (listener.ServesEveryCache || name == registry.Name)
                    Fail(registry, $"{url.OriginalString} is this server's own listener {listener.Url.OriginalString}, which serves {(listener.ServesEveryCache ? "every cache" : "this same cache")}: it would ask itself; name the registry that it shall be filled from");
                else if (Leads(name, registry.Name, [name]))
                    Fail(registry, $"{url.OriginalString} is this server's own listener of cache {name}, which leads back to this cache: they would ask each other; name the registry that it shall be filled from");
            }
        }
    }

    // From one cache to another, over our own listeners.
    private bool Leads(string from, string to, HashSet<string> seen) =>
        from == to || (registries.Find(r => r.Name == from)?.Options.Cache is { } cache && cache.Upstream.Urls.Any(url =>
            listeners.Any(l => !l.ServesEveryCache && Reaches(url, l) && seen.Add(l.Registry) && Leads(l.Registry, to, seen))));

    private bool Reaches(Uri url, ListenerOptions listener)
    {
        if (url.Port != listener.Url.Port)
            return false;
        var bound = listener.Url.IsLoopback ? IPAddress.Loopback : IPAddress.Parse(listener.Url.Host.Trim('[', ']'));
        if (url.IsLoopback)
            return IPAddress.IsLoopback(bound) || IsAny(bound);
        if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var asked))
            return asked.Equals(bound) || (IsAny(bound) && (IsAny(asked) || own.Value.Contains(asked)));
        return IsAny(bound) && url.Host.Equals(Environment.MachineName, StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private void CheckNamespaces()
    {
        if (!listeners.Any(l => l.ServesEveryCache))
            return;
        foreach (var same in registries.Where(r => r.Options.Cache is not null).GroupBy(r => r.Options.Cache!.Upstream.Namespace, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            var (first, second) = (same.First(), same.ElementAt(1));
            var origin = Upstream(second)?.Find("namespace")?.Origin ?? second.Origin;
            problems.Add(origin, $"{second.Path}.upstream.namespace", $"{same.Key} is {first.Name}'s, too, and the listener \"*\" chooses by it; give one of them another namespace, or listeners of their own instead of \"*\"");
        }
    }

    private void Fail(BoundRegistry registry, string text)
    {
        var upstream = Upstream(registry);
        var key = upstream?.Find("urls") is null ? "url" : "urls";
        problems.Add(upstream?.Find(key)?.Origin ?? registry.Origin, $"{registry.Path}.upstream.{key}", text);
    }

    private MapSetting? Upstream(BoundRegistry registry) => root.Map("registries").Map(registry.Name).Map("upstream");
}
