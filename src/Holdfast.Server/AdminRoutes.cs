using Holdfast.Server.Admin;
using Holdfast.Server.Collection;
using Holdfast.Server.Http;
using Holdfast.Server.Trash;
using Holdfast.Storage;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>What the administration's interface answers: a method for each capability, a line for each place.</summary>
internal static class AdminRoutes
{
    public static AdminTable Create(ServerOptions options, ContentStores stores, Collector collector, TimeProvider time, ILoggerFactory logs)
    {
        var admin = new AdminTable();
        AddStatus(admin, new StatusEndpoint(options, stores.Blobs, time));
        AddCollection(admin, new CollectionEndpoint(collector, stores));
        var restorer = new TrashRestorer(stores, time, logs.CreateLogger<TrashRestorer>());
        AddTrash(admin, new TrashEndpoint(stores.Metadata, restorer, options.Trash, time));
        return admin;
    }

    private static void AddStatus(AdminTable admin, StatusEndpoint status) => admin
        .Map("GET", "/api/v1/status", status.GetAsync);

    private static void AddCollection(AdminTable admin, CollectionEndpoint collection) => admin
        .Map("GET", "/api/v1/collection", collection.GetAsync)
        .Map("POST", "/api/v1/collection/run", collection.RunAsync);

    private static void AddTrash(AdminTable admin, TrashEndpoint trash) => admin
        .Map("GET", "/api/v1/trash", trash.ListAsync)
        .Map("POST", "/api/v1/trash/restore", trash.RestoreAsync)
        .Map("POST", "/api/v1/trash/purge", trash.PurgeAsync);
}
