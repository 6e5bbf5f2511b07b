using Holdfast.Server.Admin;
using Holdfast.Server.Http;
using Holdfast.Server.Scrub;
using Holdfast.Storage;

namespace Holdfast.Server;

/// <summary>What the administration's interface answers: a method for each capability, a line for each place.</summary>
internal static class AdminRoutes
{
    public static AdminTable Create(ServerOptions options, ContentStores stores, StoreScrub scrub, TimeProvider time)
    {
        var admin = new AdminTable();
        AddStatus(admin, new StatusEndpoint(options, stores.Blobs, time));
        AddScrub(admin, new ScrubEndpoint(scrub, options));
        return admin;
    }

    private static void AddScrub(AdminTable admin, ScrubEndpoint scrub) => admin
        .Map("GET", "/api/v1/scrub", scrub.GetAsync)
        .Map("POST", "/api/v1/scrub/run", scrub.RunAsync);

    private static void AddStatus(AdminTable admin, StatusEndpoint status) => admin
        .Map("GET", "/api/v1/status", status.GetAsync);
}
