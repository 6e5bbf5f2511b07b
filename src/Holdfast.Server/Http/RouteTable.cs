using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>Answers one method on one place.</summary>
internal delegate Task Handler(RegistryRequest request);

/// <summary>Which handler answers which method on which place, and what its caller must be allowed to do.</summary>
internal sealed class RouteTable
{
    private readonly Dictionary<string, Entry>[] _entries =
        [.. Enum.GetValues<RouteKind>().Select(_ => new Dictionary<string, Entry>(StringComparer.Ordinal))];

    private readonly Dictionary<RouteKind, Entry> _others = [];

    /// <param name="needs">
    /// What the caller must be allowed to do to the path's repository; none where being a known caller is enough; null where the handler admits
    /// its callers itself.
    /// </param>
    public RouteTable Map(RouteKind kind, string method, RegistryActions? needs, Handler handler)
    {
        _entries[(int)kind].Add(method, new Entry(needs, handler));
        return this;
    }

    /// <summary>What answers the methods of a place that nothing else was mapped to.</summary>
    public RouteTable MapOthers(RouteKind kind, RegistryActions? needs, Handler handler)
    {
        _others.Add(kind, new Entry(needs, handler));
        return this;
    }

    public Entry? Find(RouteKind kind, string method) => _entries[(int)kind].GetValueOrDefault(method) ?? _others.GetValueOrDefault(kind);

    /// <summary>For the Allow header; empty if nothing is mapped on that place.</summary>
    public string MethodsOf(RouteKind kind) => string.Join(", ", _entries[(int)kind].Keys.Order(StringComparer.Ordinal));

    internal sealed record Entry(RegistryActions? Needs, Handler Handler);
}
