using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>The stores that a server works on; the caller opens them before and disposes them after.</summary>
public sealed record ServerStores(IBlobStore Blobs, MetadataDatabase Metadata);

/// <summary>A running server: its listeners, and the way to stop it.</summary>
public sealed class RegistryServer : IAsyncDisposable
{
    private readonly ServerHost _host;

    private RegistryServer(ServerHost host) => _host = host;

    /// <summary>The listeners' real addresses, in the options' order, with the ports that were taken for port 0.</summary>
    public IReadOnlyList<Uri> Addresses => _host.Addresses;

    /// <summary>Starts listening; returns when every listener accepts connections.</summary>
    /// <exception cref="IOException">An address is in use or a certificate can't be read.</exception>
    public static async Task<RegistryServer> StartAsync(
        ServerOptions options, ServerStores stores, ILoggerFactory logs, TimeProvider time, CancellationToken cancellationToken)
    {
        var registries = options.Registries
            .Select((registry, index) => new Registry(index + 1, registry.Name, stores.Metadata, stores.Blobs))
            .ToDictionary(static registry => registry.Name, StringComparer.Ordinal);
        var dispatcher = new Dispatcher();
        var parts = new ServerParts(stores, logs, time)
        {
            RegistryOf = listener => registries[listener.Registry],
            Dispatch = dispatcher.HandleAsync,
        };
        return new RegistryServer(await ServerHost.StartAsync(options, parts, cancellationToken));
    }

    /// <summary>Drains: running requests may finish within the drain timeout, new ones get 503, then the listeners close.</summary>
    public Task StopAsync() => _host.StopAsync();

    /// <summary>Stops without waiting for anything that still runs, unless <see cref="StopAsync"/> was called before.</summary>
    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
