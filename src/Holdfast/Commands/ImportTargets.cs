using Holdfast.Configuration;
using Holdfast.Doctor.Import;
using Holdfast.Server.Retention;
using Holdfast.Storage;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Commands;

/// <summary>Opens the data folder that takes an import in: through its server if one runs, else here.</summary>
internal static class ImportTargets
{
    /// <exception cref="AdminFault">A server has the folder and can't be asked, or refused.</exception>
    /// <exception cref="IOException">The folder can't be opened.</exception>
    public static async Task<ImportTarget> OpenAsync(ImportOrder order, HoldfastConfiguration configuration, CancellationToken token)
    {
        if (order.Server is { } elsewhere)
        {
            var connection = await AdminOptions.ConnectAsync(elsewhere.Url, elsewhere.User, elsewhere.PasswordFile, elsewhere.Authority, token);
            return await BeginAsync(connection, new ServerTarget(connection, elsewhere.Url, order.Registry, new ServerTargetTerms(null, order.ReplacesTags)), token);
        }
        var folder = configuration.DataFolder;
        if (order.IsDry && !Directory.Exists(folder))
            return new EmptyTarget(folder);
        AdminFault? refused = null;
        if (File.Exists(Path.Combine(folder, AdminOptions.SocketName)))
        {
            try
            {
                return await OpenServerAsync(order, folder, token);
            }
            catch (AdminFault e)
            {
                // One that a killed server left, or one that this user may not use; the folder's lock tells which.
                refused = e;
            }
        }
        try
        {
            return await LocalTarget.OpenAsync(order, configuration, token);
        }
        catch (DataFolderInUseException) when (refused is not null)
        {
            throw refused;
        }
    }

    private static Task<ImportTarget> OpenServerAsync(ImportOrder order, string folder, CancellationToken token)
    {
        var connection = AdminConnection.ToFolder(folder, AdminOptions.SocketName);
        var staging = new FileStaging(Path.Combine(folder, "uploads"), order.Link);
        return BeginAsync(connection, new ServerTarget(connection, $"the server of {folder}", order.Registry, new ServerTargetTerms(staging, order.ReplacesTags)), token);
    }

    private static async Task<ImportTarget> BeginAsync(AdminConnection connection, ServerTarget target, CancellationToken token)
    {
        try
        {
            await target.BeginAsync(token);
            return target;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}

/// <summary>A data folder that no server has open, with its stores.</summary>
internal sealed class LocalTarget : IAsyncDisposable
{
    private readonly Stores _stores;
    private readonly StoreTime _time;
    private readonly ILoggerFactory _logs;

    private LocalTarget(Stores stores, StoreTime time, ILoggerFactory logs) => (_stores, _time, _logs) = (stores, time, logs);

    public static async Task<ImportTarget> OpenAsync(ImportOrder order, HoldfastConfiguration configuration, CancellationToken token)
    {
        var logs = Logs.Create(configuration.Log with { Level = LogLevel.Warning });
        Stores? stores = null;
        try
        {
            var name = NameOf(order, configuration);
            stores = await Stores.OpenAsync(configuration.DataFolder, configuration.Server.Uploads.MaxAge, logs, token);
            var time = await StoreTime.OpenAsync(stores.Server.Metadata, TimeProvider.System, token);
            // In a cache it would be evicted.
            var registry = await stores.Server.Metadata.WriteAsync(name, static (db, name) => Registries.Ensure(db, name, RegistryKind.Hosted), token)
                ?? throw new RemoteFault($"registry {name} was a cache, and holds what it fetched; import into a registry of another name");
            var immutable = ImmutableTags.Of(configuration.Server.Retention, new Dictionary<string, int>(StringComparer.Ordinal) { [name] = registry });
            var terms = new StoreImportTerms(
                configuration.DataFolder, new ImportTerms(order.ReplacesTags, immutable), new ImportSurroundings(time, Guid.NewGuid), configuration.Server.DiskReserveBytes)
            {
                Owner = new LocalTarget(stores, time, logs),
            };
            return new StoreTarget(stores.Server, registry, new FileStaging(stores.Uploads, order.Link), terms);
        }
        catch
        {
            if (stores is not null)
                await stores.DisposeAsync();
            logs.Dispose();
            throw;
        }
    }

    /// <summary>Closes the stores, and gives what root wrote to the folder's owner.</summary>
    public async ValueTask DisposeAsync()
    {
        await _time.SaveAsync(_stores.Server.Metadata, CancellationToken.None);
        _stores.GiveToOwner();
        await _stores.DisposeAsync();
        _logs.Dispose();
    }

    private static string NameOf(ImportOrder order, HoldfastConfiguration configuration)
    {
        var registries = configuration.Server.Registries;
        var known = registries.Where(static registry => registry.Cache is null).Select(static registry => registry.Name).ToList();
        if (known.Count == 0)
            throw new RemoteFault("the configuration has caches only, which are filled from their upstreams; add a registry of kind hosted");
        if (order.Registry is { } name)
        {
            if (registries.Any(registry => registry.Cache is not null && registry.Name == name))
                throw new RemoteFault($"--registry {name}: that is a cache, which is filled from its upstream; there are {string.Join(", ", known)}");
            return known.Contains(name, StringComparer.Ordinal)
                ? name
                : throw new RemoteFault($"--registry {name}: the configuration has no such registry; it has {string.Join(", ", known)}");
        }
        return known.Count == 1 ? known[0] : throw new RemoteFault($"the configuration has several registries; name one with --registry: {string.Join(", ", known)}");
    }
}
