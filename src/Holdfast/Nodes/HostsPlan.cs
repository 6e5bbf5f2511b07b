using System.Net;
using Holdfast.Server;

namespace Holdfast.Nodes;

/// <summary>What nodes are to be told: how they reach this server.</summary>
/// <param name="Server">Host, or scheme and host; the listeners' ports are put behind it. Null: the listeners' own addresses.</param>
/// <param name="Addresses">Of single registries ("*": of the listener of every cache), by name.</param>
/// <param name="Names">Other names, host or host:port, by which images call hosted registries: name of the registry and name.</param>
internal sealed record NodeReach(string? Server, IReadOnlyDictionary<string, Uri> Addresses, IReadOnlyList<(string Registry, string Name)> Names)
{
    public string? Authority { get; init; }

    public bool SkipsVerification { get; init; }
}

/// <summary>Which hosts.toml a node needs for the registries of a configuration.</summary>
internal sealed class HostsPlan(ServerOptions options, NodeReach reach)
{
    public List<string> Problems { get; } = [];

    public List<string> Notes { get; } = [];

    public List<HostsFile> Make()
    {
        foreach (var unknown in reach.Addresses.Keys.Concat(reach.Names.Select(one => one.Registry)).Distinct(StringComparer.Ordinal).Where(name => !IsServed(name)))
            Problems.Add($"no registry '{unknown}' is served here; there are {string.Join(", ", options.Registries.Select(r => r.Name))}");
        var files = new List<HostsFile>();
        foreach (var registry in options.Registries)
        {
            if (AddressOf(registry) is not { } address)
                continue;
            if (registry.Cache is { } cache)
                files.Add(FileOf(cache.Upstream.Namespace, registry, cache.Upstream.Urls[^1], address));
            else
                files.AddRange(NamesOf(registry, address).Select(name => FileOf(name, registry, address, address)));
            if (address.IsLoopback)
                Notes.Add($"{registry.Name} is reached at {address.OriginalString} from this machine alone");
        }

        foreach (var same in files.GroupBy(file => file.Folder, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1))
            Problems.Add($"{same.Key} is what both {string.Join(" and ", same.Select(file => file.Registry))} are called; nodes can be sent to one of them only: leave one out of the listeners, or give it another namespace");
        return files;
    }

    private bool IsServed(string name) =>
        name == ListenerOptions.EveryCache ? options.Listeners.Any(l => l.ServesEveryCache) : options.Registries.Any(r => r.Name == name);

    private HostsFile FileOf(string name, RegistryOptions registry, Uri server, Uri mirror) => new(name, registry.Name, server, mirror)
    {
        TakesPushes = registry.Cache is null,
        Authority = reach.Authority,
        SkipsVerification = reach.SkipsVerification,
    };

    // A listener of its own before the one of every cache: it needs no ns.
    private Uri? AddressOf(RegistryOptions registry)
    {
        if (reach.Addresses.TryGetValue(registry.Name, out var given))
            return given;
        var own = options.Listeners.FirstOrDefault(l => l.Registry == registry.Name);
        if (own is null && registry.Cache is not null && reach.Addresses.TryGetValue(ListenerOptions.EveryCache, out var all))
            return all;
        return (own ?? options.Listeners.FirstOrDefault(l => l.ServesEveryCache && registry.Cache is not null)) is { } listener ? AddressOf(listener, registry.Name) : null;
    }

    private Uri? AddressOf(ListenerOptions listener, string registry)
    {
        var url = listener.Url;
        if (reach.Server is { } server)
        {
            var slashes = server.IndexOf("://", StringComparison.Ordinal);
            var host = slashes < 0 ? server : server[(slashes + 3)..].TrimEnd('/');
            var isBareV6 = IPAddress.TryParse(host, out _) && host.Contains(':', StringComparison.Ordinal) && !host.StartsWith('[');
            return new Uri($"{(slashes < 0 ? url.Scheme : server[..slashes])}://{(isBareV6 ? $"[{host}]" : host)}:{url.Port}");
        }

        if (!IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) || !(address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
            return url;
        Problems.Add($"{registry}: {url.OriginalString} is every address of this machine, and nodes need one: say it by --server HOST");
        return null;
    }

    // An image names its registry as it likes: with the port, and without where it is the usual one.
    private IEnumerable<string> NamesOf(RegistryOptions registry, Uri address)
    {
        var names = new List<string> { address.IsDefaultPort ? address.Host : address.Authority };
        foreach (var (_, name) in reach.Names.Where(one => one.Registry == registry.Name))
        {
            names.Add(name);
            if (!HasPort(name) && !address.IsDefaultPort)
                names.Add($"{name}:{address.Port}");
        }

        if (address is { IsDefaultPort: true, Scheme: "https" })
            names.Add($"{address.Host}:443");
        return names.Distinct(StringComparer.OrdinalIgnoreCase);
    }

    private static bool HasPort(string name) => name.LastIndexOf(':') > name.LastIndexOf(']');
}
