using Holdfast.Server.Admin;
using Holdfast.Server.Http;
using Holdfast.Storage;

namespace Holdfast.Server;

/// <summary>What the administration's interface answers: a method for each capability, a line for each place.</summary>
internal static class AdminRoutes
{
    public static AdminTable Create(ServerOptions options, ContentStores stores, TimeProvider time)
    {
        var admin = new AdminTable();
        AddStatus(admin, new StatusEndpoint(options, stores.Blobs, time));
        return admin;
    }

    private static void AddStatus(AdminTable admin, StatusEndpoint status) => admin
        .Map("GET", "/api/v1/status", status.GetAsync);
}
