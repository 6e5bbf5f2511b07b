using Holdfast.Server.Admin;
using Holdfast.Server.Collection;
using Holdfast.Server.Http;
using Holdfast.Storage;

namespace Holdfast.Server;

/// <summary>What the administration's interface answers: a method for each capability, a line for each place.</summary>
internal static class AdminRoutes
{
    public static AdminTable Create(ServerOptions options, ContentStores stores, Collector collector, TimeProvider time)
    {
        var admin = new AdminTable();
        AddStatus(admin, new StatusEndpoint(options, stores.Blobs, time));
        AddCollection(admin, new CollectionEndpoint(collector, stores));
        return admin;
    }

    private static void AddStatus(AdminTable admin, StatusEndpoint status) => admin
        .Map("GET", "/api/v1/status", status.GetAsync);

    private static void AddCollection(AdminTable admin, CollectionEndpoint collection) => admin
        .Map("GET", "/api/v1/collection", collection.GetAsync)
        .Map("POST", "/api/v1/collection/run", collection.RunAsync);
}
