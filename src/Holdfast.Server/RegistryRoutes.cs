using Holdfast.Server.Blobs;
using Holdfast.Server.Caching;
using Holdfast.Server.Catalog;
using Holdfast.Server.Http;
using Holdfast.Server.Manifests;
using Holdfast.Server.Referrers;
using Holdfast.Server.Tags;
using Holdfast.Server.Uploads;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server;

/// <summary>What registries answer: every place of the specification with its handler and the permission it needs.</summary>
/// <param name="Hosted">Of registries that clients push to.</param>
/// <param name="Caches">Of registries that are filled from an upstream.</param>
internal sealed record RegistryRoutes(RouteTable Hosted, RouteTable Caches)
{
    // Of a cache; where none of them leads anywhere they are what clients may try elsewhere.
    private const string PullMethods = "GET, HEAD";

    public static RegistryRoutes Create(ServerOptions options, MetadataDatabase metadata, ServerRooms rooms, TimeProvider time)
    {
        var memory = new Memory(metadata, options.Limits.ManifestCacheBytes);
        var (sessions, reserve, checks) = (rooms.Sessions, rooms.Reserve, rooms.Checks);
        var acceptance = new BlobAcceptance(time, rooms.Incidents);
        var blobs = new BlobEndpoint(memory.Blobs, checks.Verifier, new PushLeases(options.Collection.Lease, time), time);
        var uploads = new UploadsEndpoint(sessions, acceptance, new MountSource(), reserve);
        var upload = new UploadEndpoint(sessions, acceptance, reserve);
        var manifests = new ManifestEndpoint(
            new ManifestReader(memory.Lookup, memory.Manifests, checks.Copies),
            new ManifestSight(new PushHolds(options.Collection.Grace, time), new DamagedImages(rooms.Incidents.Open)),
            rooms.Retention.Pulls.Note,
            time);
        var manifestPut = new ManifestPutEndpoint(memory.Manifests, reserve, new ManifestAcceptance(time, rooms.Incidents, rooms.Retention.Rules.ImmutableTags));
        var hosted = MapPulls(new PullHandlers(blobs.GetAsync, manifests.GetAsync, new TagsEndpoint(memory.Tags).GetAsync, new ReferrersEndpoint(memory.Referrers).GetAsync))
            .Map(RouteKind.Blob, "DELETE", RegistryActions.Delete, blobs.DeleteAsync)
            .Map(RouteKind.Uploads, "POST", RegistryActions.Push, uploads.PostAsync)
            .Map(RouteKind.Upload, "PATCH", RegistryActions.Push, upload.PatchAsync)
            .Map(RouteKind.Upload, "PUT", RegistryActions.Push, upload.PutAsync)
            .Map(RouteKind.Upload, "GET", RegistryActions.Push, upload.GetAsync)
            .Map(RouteKind.Upload, "DELETE", RegistryActions.Push, upload.DeleteAsync)
            .Map(RouteKind.Manifest, "PUT", RegistryActions.Push, manifestPut.PutAsync)
            .Map(RouteKind.Manifest, "DELETE", RegistryActions.Delete, manifests.DeleteAsync);
        return new RegistryRoutes(hosted, CreateCaches(options, rooms, memory, time));
    }

    // What is stored goes the same way as in a hosted registry; what isn't comes to the upstream's side.
    private static RouteTable CreateCaches(ServerOptions options, ServerRooms rooms, Memory memory, TimeProvider time)
    {
        var (parts, checks) = (rooms.Caches, rooms.Checks);
        var book = parts.Caches;
        CacheBlobEndpoint? blobs = null;
        CacheManifestEndpoint? manifests = null;
        var storedBlobs = new BlobEndpoint(memory.Blobs, checks.Verifier, new PushLeases(options.Collection.Lease, time), time)
        {
            WhenUnknown = (request, digest) => blobs!.FetchAsync(request, digest),
        };
        var storedManifests = new ManifestEndpoint(
            new ManifestReader(memory.Lookup, memory.Manifests, checks.Copies),
            new ManifestSight(new PushHolds(options.Collection.Grace, time), new DamagedImages(rooms.Incidents.Open)),
            rooms.Retention.Pulls.Note,
            time)
        {
            WhenUnknown = (request, reference) => manifests!.FetchAsync(request, reference),
        };
        blobs = new CacheBlobEndpoint(book, parts.Blobs, parts.Transfers, parts.Room) { Stored = storedBlobs.GetAsync };
        manifests = new CacheManifestEndpoint(book, parts.Manifests, parts.Truth, parts.Transfers, parts.Ahead) { Stored = storedManifests.GetAsync };
        var lists = new CacheListEndpoint(book, time) { StoredTags = new TagsEndpoint(memory.Tags).GetAsync, StoredReferrers = new ReferrersEndpoint(memory.Referrers).GetAsync };
        return RefuseChanges(MapPulls(new PullHandlers(
            book.Guard(blobs.GetAsync), book.Guard(manifests.GetAsync), book.Guard(lists.GetTagsAsync), book.Guard(lists.GetReferrersAsync))));
    }

    private static RouteTable MapPulls(PullHandlers pulls)
    {
        var catalog = new CatalogEndpoint();
        return new RouteTable()
            .Map(RouteKind.Base, "GET", RegistryActions.None, AnswerBaseAsync)
            .Map(RouteKind.Base, "HEAD", RegistryActions.None, AnswerBaseAsync)
            .Map(RouteKind.Blob, "GET", RegistryActions.Pull, pulls.Blob)
            .Map(RouteKind.Blob, "HEAD", RegistryActions.Pull, pulls.Blob)
            .Map(RouteKind.Manifest, "GET", RegistryActions.Pull, pulls.Manifest)
            .Map(RouteKind.Manifest, "HEAD", RegistryActions.Pull, pulls.Manifest)
            .Map(RouteKind.Tags, "GET", RegistryActions.Pull, pulls.Tags)
            .Map(RouteKind.Tags, "HEAD", RegistryActions.Pull, pulls.Tags)
            .Map(RouteKind.Referrers, "GET", RegistryActions.Pull, pulls.Referrers)
            .Map(RouteKind.Referrers, "HEAD", RegistryActions.Pull, pulls.Referrers)
            .Map(RouteKind.Catalog, "GET", RegistryActions.None, catalog.GetAsync)
            .Map(RouteKind.Catalog, "HEAD", RegistryActions.None, catalog.GetAsync);
    }

    // What no right can allow needs none but to come in.
    private static RouteTable RefuseChanges(RouteTable routes) => routes
        .MapOthers(RouteKind.Blob, RegistryActions.None, RefuseChangeAsync)
        .MapOthers(RouteKind.Manifest, RegistryActions.None, RefuseChangeAsync)
        .MapOthers(RouteKind.Uploads, RegistryActions.None, RefuseChangeAsync)
        .MapOthers(RouteKind.Upload, RegistryActions.None, RefuseChangeAsync);

    private static Task RefuseChangeAsync(RegistryRequest request)
    {
        var upstream = request.Registry.Cache!.Upstream.Namespace;
        request.Context.Response.Headers.Allow = PullMethods;
        return request.FailAsync(Outcome.MethodNotAllowed, request.Context.Request.Method == "DELETE"
            ? $"this is a cache of {upstream}: delete it there; what nobody pulls any more goes from here by itself"
            : $"this is a cache of {upstream}: push to it there");
    }

    // end-1: being here at all is the answer; clients learn from a 401 before it how to log in.
    private static Task AnswerBaseAsync(RegistryRequest request) =>
        request.SendJsonAsync("application/json", 0, static (json, _) =>
        {
            json.WriteStartObject();
            json.WriteEndObject();
        });

    // Shared by hosted registries and caches: all of them are in one database.
    private sealed class Memory(MetadataDatabase metadata, long manifestBytes)
    {
        public ManifestCache Manifests { get; } = new(manifestBytes);

        public ManifestLookup Lookup { get; } = new(metadata);

        public BlobLookup Blobs { get; } = new(metadata);

        public TagsPages Tags { get; } = new(metadata);

        public ReferrersPages Referrers { get; } = new(metadata);
    }

    private readonly record struct PullHandlers(Handler Blob, Handler Manifest, Handler Tags, Handler Referrers);
}
