using Holdfast.Server.Admin;
using Holdfast.Server.Caching;
using Holdfast.Server.Collection;
using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Import;
using Holdfast.Server.Incidents;
using Holdfast.Server.Retention;
using Holdfast.Server.Scrub;
using Holdfast.Server.Trash;
using Holdfast.Storage;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>What the administration's interface answers: a method for each capability, a line for each place.</summary>
internal static class AdminRoutes
{
    public static AdminTable Create(ServerOptions options, ContentStores stores, ServerRooms rooms, StoreTime time, ILoggerFactory logs)
    {
        var admin = new AdminTable();
        AddStatus(admin, new StatusEndpoint(options, stores.Blobs, time));
        AddCollection(admin, new CollectionEndpoint(rooms.Collector, stores));
        var restorer = new TrashRestorer(stores, rooms.Retention.Rules.ImmutableTags, time, logs.CreateLogger<TrashRestorer>());
        AddTrash(admin, new TrashEndpoint(stores.Metadata, restorer, options.Trash, time));
        AddScrub(admin, new ScrubEndpoint(rooms.Scrub, options));
        AddIncidents(admin, new IncidentsEndpoint(stores, rooms.Incidents, time), new WatchEndpoint(stores, time));
        AddHeal(admin, new HealEndpoint(rooms.Healer));
        AddRetention(admin, rooms.Retention.Endpoint);
        AddImport(admin, new ImportEndpoint(rooms.ImportInto(stores, time)));
        AddCaches(admin, new WarmEndpoint(rooms.Caches.Caches, rooms.Caches.Truth, rooms.Caches.Images, rooms.Caches.Room));
        return admin;
    }

    private static void AddCaches(AdminTable admin, WarmEndpoint caches) => admin
        .Map("GET", "/api/v1/caches", caches.GetAsync)
        .Map("POST", "/api/v1/caches/warm", caches.WarmAsync);

    private static void AddStatus(AdminTable admin, StatusEndpoint status) => admin
        .Map("GET", "/api/v1/openapi.json", OpenApiEndpoint.GetAsync)
        .Map("GET", "/api/v1/status", status.GetAsync);

    private static void AddCollection(AdminTable admin, CollectionEndpoint collection) => admin
        .Map("GET", "/api/v1/collection", collection.GetAsync)
        .Map("POST", "/api/v1/collection/run", collection.RunAsync);

    private static void AddTrash(AdminTable admin, TrashEndpoint trash) => admin
        .Map("GET", "/api/v1/trash", trash.ListAsync)
        .Map("POST", "/api/v1/trash/restore", trash.RestoreAsync)
        .Map("POST", "/api/v1/trash/purge", trash.PurgeAsync);

    private static void AddScrub(AdminTable admin, ScrubEndpoint scrub) => admin
        .Map("GET", "/api/v1/scrub", scrub.GetAsync)
        .Map("POST", "/api/v1/scrub/run", scrub.RunAsync);

    private static void AddIncidents(AdminTable admin, IncidentsEndpoint incidents, WatchEndpoint watch) => admin
        .Map("GET", "/api/v1/incidents", incidents.ListAsync)
        .Map("GET", "/api/v1/incidents/watch", watch.WatchAsync)
        .Map("GET", "/api/v1/incidents/{id}", incidents.GetAsync)
        .Map("POST", "/api/v1/incidents/{id}/acknowledge", incidents.AcknowledgeAsync);

    private static void AddImport(AdminTable admin, ImportEndpoint import) => admin
        .Map("POST", "/api/v1/import/look", import.LookAsync)
        .Map("POST", "/api/v1/import/blobs", import.AcceptBlobsAsync)
        .Map("PUT", "/api/v1/import/blobs/{digest}", import.StoreBlobAsync)
        .Map("POST", "/api/v1/import/manifests", import.AcceptManifestsAsync);

    private static void AddHeal(AdminTable admin, HealEndpoint heal) => admin
        .Map("POST", "/api/v1/heal/run", heal.RunAsync);

    private static void AddRetention(AdminTable admin, RetentionEndpoint retention) => admin
        .Map("GET", "/api/v1/retention", retention.GetAsync)
        .Map("POST", "/api/v1/retention/plan", retention.PlanAsync)
        .Map("POST", "/api/v1/retention/apply", retention.ApplyAsync);
}
