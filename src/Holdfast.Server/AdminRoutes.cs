using Holdfast.Server.Admin;
using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Storage;

namespace Holdfast.Server;

/// <summary>What the administration's interface answers: a method for each capability, a line for each place.</summary>
internal static class AdminRoutes
{
    public static AdminTable Create(ServerOptions options, ContentStores stores, IntegrityRooms rooms, TimeProvider time)
    {
        var admin = new AdminTable();
        AddStatus(admin, new StatusEndpoint(options, stores.Blobs, time));
        AddIncidents(admin, new IncidentsEndpoint(stores, rooms.Incidents), new WatchEndpoint(stores, time));
        AddHeal(admin, new HealEndpoint(rooms.Healer));
        return admin;
    }

    private static void AddStatus(AdminTable admin, StatusEndpoint status) => admin
        .Map("GET", "/api/v1/status", status.GetAsync);

    private static void AddIncidents(AdminTable admin, IncidentsEndpoint incidents, WatchEndpoint watch) => admin
        .Map("GET", "/api/v1/incidents", incidents.ListAsync)
        .Map("GET", "/api/v1/incidents/watch", watch.WatchAsync)
        .Map("GET", "/api/v1/incidents/{id}", incidents.GetAsync)
        .Map("POST", "/api/v1/incidents/{id}/acknowledge", incidents.AcknowledgeAsync);

    private static void AddHeal(AdminTable admin, HealEndpoint heal) => admin
        .Map("POST", "/api/v1/heal/run", heal.RunAsync);
}

/// <summary>What the administration asks and starts of what keeps the content whole.</summary>
internal sealed record IntegrityRooms(IncidentBook Incidents, Healer Healer);
