using Holdfast.Storage;

namespace Holdfast.Server.Http;

/// <summary>What a connection's listener serves; set as a connection feature when it is accepted.</summary>
/// <param name="Options">Null for the administration's socket.</param>
internal sealed record ListenerBinding(ListenerOptions? Options, Registry Registry)
{
    // No registry of the configuration has this name.
    private const string NoRegistry = "-";

    /// <summary>Set on a listener that serves every cache; a request's registry is then one of these.</summary>
    public CacheNamespaces? Caches { get; init; }

    /// <summary>Who is at the other end of the administration's socket; null on every other listener.</summary>
    public Caller? LocalCaller { get; init; }

    public static ListenerBinding OfAdminSocket(ContentStores stores) => new(null, new Registry(0, NoRegistry, stores));
}
