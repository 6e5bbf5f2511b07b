using Holdfast.Server;
using Microsoft.Extensions.Logging;

namespace Holdfast.Commands;

/// <summary>The concrete stores that this program puts under a server; the only place that names them.</summary>
internal sealed class Stores(ServerStores server) : IAsyncDisposable
{
    public ServerStores Server => server;

    /// <summary>Opens the stores of a data folder; makes the folder if it isn't there.</summary>
    /// <exception cref="IOException">Another process has the folder, or it can't be written.</exception>
    public static Task<Stores> OpenAsync(string folder, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        _ = logs;
        cancellationToken.ThrowIfCancellationRequested();
        Directory.CreateDirectory(folder);
        throw new NotSupportedException("The stores are not part of this build.");
    }

    public async ValueTask DisposeAsync()
    {
        await server.Metadata.DisposeAsync();
        await server.Blobs.DisposeAsync();
    }
}
