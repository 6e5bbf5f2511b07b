using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>The stores that a server works on; the caller opens them before and disposes them after.</summary>
public sealed record ServerStores(IBlobStore Blobs, MetadataDatabase Metadata);

/// <summary>A running server: its listeners, and the way to stop it.</summary>
public sealed class RegistryServer : IAsyncDisposable
{
    /// <summary>The listeners' real addresses, in the options' order, with the ports that were taken for port 0.</summary>
    public IReadOnlyList<Uri> Addresses => throw new NotSupportedException();

    /// <summary>Starts listening; returns when every listener accepts connections.</summary>
    /// <exception cref="IOException">An address is in use or a certificate can't be read.</exception>
    public static Task<RegistryServer> StartAsync(
        ServerOptions options, ServerStores stores, ILoggerFactory logs, TimeProvider time, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>Drains: running requests may finish within the drain timeout, new ones get 503, then the listeners close.</summary>
    public Task StopAsync() => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
