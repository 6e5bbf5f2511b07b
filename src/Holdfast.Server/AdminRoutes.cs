using Holdfast.Server.Admin;
using Holdfast.Server.Http;
using Holdfast.Server.Retention;
using Holdfast.Storage;

namespace Holdfast.Server;

/// <summary>What the administration's interface answers: a method for each capability, a line for each place.</summary>
internal static class AdminRoutes
{
    public static AdminTable Create(ServerOptions options, ContentStores stores, RetentionEndpoint retention, TimeProvider time)
    {
        var admin = new AdminTable();
        AddStatus(admin, new StatusEndpoint(options, stores.Blobs, time));
        AddRetention(admin, retention);
        return admin;
    }

    private static void AddStatus(AdminTable admin, StatusEndpoint status) => admin
        .Map("GET", "/api/v1/status", status.GetAsync);

    private static void AddRetention(AdminTable admin, RetentionEndpoint retention) => admin
        .Map("GET", "/api/v1/retention", retention.GetAsync)
        .Map("POST", "/api/v1/retention/plan", retention.PlanAsync)
        .Map("POST", "/api/v1/retention/apply", retention.ApplyAsync);
}
