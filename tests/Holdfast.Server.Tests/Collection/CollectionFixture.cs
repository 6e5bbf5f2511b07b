using Holdfast.Oci;
using Holdfast.Server.Collection;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Holdfast.Server.Tests.Collection;

/// <summary>Stores in a temporary folder, a clock that stands, and a collector, without a server around them.</summary>
internal sealed class CollectionFixture : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-test-").FullName;
    private readonly Dictionary<string, int> _registries = new(StringComparer.Ordinal);
    private DataFolder? _data;
    private SqliteMetadataDatabase? _database;

    public ManualTime Time { get; } = new();

    public StoreTime StoreTime { get; private set; } = null!;

    public CollectionOptions Options { get; set; } = new() { MaxReviewsPerSecond = int.MaxValue };

    public TrashOptions Trash { get; set; } = new();

    /// <summary>Puts faults before the blob store.</summary>
    public Func<IBlobStore, IBlobStore> Decorate { get; set; } = static store => store;

    public ContentStores Stores { get; private set; } = null!;

    public Collector Collector { get; private set; } = null!;

    public IncidentBook Incidents { get; private set; } = null!;

    public static async Task<CollectionFixture> StartAsync(Action<CollectionFixture>? set = null)
    {
        var fixture = new CollectionFixture();
        set?.Invoke(fixture);
        await fixture.OpenAsync();
        return fixture;
    }

    public async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync();
        await Collector.RecoverAsync(CancellationToken.None);
    }

    public RepositoryKey Key(string repository, string registry = "test") => new(_registries[registry], RepositoryName.Parse(repository));

    public async Task<Digest> PushBlobAsync(string repository, byte[] content, string registry = "test")
    {
        var digest = Samples.DigestOf(content);
        await using var writer = await Stores.Blobs.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, CancellationToken.None);
        await writer.AppendAsync(content, CancellationToken.None);
        (await BlobPush.TryAcceptAsync(Stores, Key(repository, registry), writer, digest, StoreTime)).ShouldNotBeNull();
        return digest;
    }

    public async Task<Digest> PutAsync(string repository, byte[] manifest, string? tag = null, string registry = "test")
    {
        var closure = await TryPutAsync(repository, manifest, tag, registry);
        closure.IsWhole.ShouldBeTrue();
        return Samples.DigestOf(manifest);
    }

    public async Task<ManifestClosure> TryPutAsync(string repository, byte[] manifest, string? tag = null, string registry = "test")
    {
        ManifestParser.TryParse(manifest, null, out var parsed, out var problem).ShouldBeTrue(problem);
        var put = new ManifestPut(
            Key(repository, registry), Samples.DigestOf(manifest), manifest, parsed!, tag is null ? [] : [Tag.Parse(tag)]);
        return (await ManifestPush.PutAsync(Stores, put, Guid.NewGuid(), StoreTime, CancellationToken.None)).Closure;
    }

    /// <summary>An image with one config and one layer of its own; its bytes.</summary>
    public async Task<byte[]> PushImageAsync(string repository, int seed, string? tag = null, string registry = "test")
    {
        var (config, layer) = (Samples.Bytes(seed, 50), Samples.Bytes(seed + 100_000, 500));
        await PushBlobAsync(repository, config, registry);
        await PushBlobAsync(repository, layer, registry);
        var manifest = Samples.Image(config, layer);
        await PutAsync(repository, manifest, tag, registry);
        return manifest;
    }

    public Task<DeleteResult> DeleteAsync(string repository, byte[] manifest, string registry = "test") => WriteAsync(
        db => Storage.Metadata.Manifests.Delete(db, Key(repository, registry), Samples.DigestOf(manifest), By, Now));

    public Task<bool> DeleteTagAsync(string repository, string tag) => WriteAsync(db => Storage.Metadata.Tags.Delete(db, Key(repository), Tag.Parse(tag), By, Now));

    /// <summary>Takes the last delete of a manifest back.</summary>
    public Task<RestoreOutcome> RestoreAsync(string repository, byte[] manifest) => WriteAsync(db =>
    {
        var filter = new TrashFilter { Repositories = RepositoryFilter.Parse(repository)!, Digest = Samples.DigestOf(manifest) };
        return TrashRestore.Apply(db, Storage.Metadata.Trash.ListIds(db, filter), new RestoreTerms(), Now)[0].Outcome;
    });

    public long Now => StoreTime.GetUtcNow().ToUnixTimeMilliseconds();

    private static Deletion By => new(Guid.NewGuid().ToString("N"), DeletionCause.Client, "test");

    public Task<T> WriteAsync<T>(Func<MetadataSession, T> change) =>
        Stores.Metadata.WriteAsync(change, static (db, change) => change(db), CancellationToken.None);

    public ValueTask<T> ReadAsync<T>(Func<MetadataSession, T> query) =>
        Stores.Metadata.ReadAsync(query, static (db, query) => query(db), CancellationToken.None);

    public ValueTask<long> CountAsync(string sql) => ReadAsync(db =>
    {
        using var statement = new Statement(db.Connection, sql);
        return statement.QueryLong() ?? 0;
    });

    public async Task<bool> IsVisibleAsync(string repository, byte[] manifest) =>
        await ReadAsync(db => Storage.Metadata.Manifests.Find(db, Key(repository), Samples.DigestOf(manifest))) is not null;

    public async Task<bool> HasBytesAsync(byte[] content) => await Stores.Blobs.FindSizeAsync(Samples.DigestOf(content), CancellationToken.None) is not null;

    public Task<CollectionFigures> RunAsync() => Collector.RunAsync(CollectionRun.Due, CancellationToken.None);

    /// <summary>Moves the clock and collects, in steps of an hour, as a server would.</summary>
    public async Task PassAsync(TimeSpan span)
    {
        for (var passed = TimeSpan.Zero; passed < span; passed += TimeSpan.FromHours(1))
        {
            Time.Advance(TimeSpan.FromHours(1));
            await RunAsync();
        }
    }

    /// <summary>Every hard edge resolves, every visible link and manifest has its bytes, and no review queue has lost what nothing uses.</summary>
    public async Task ShouldBeSoundAsync()
    {
        (await CountAsync("SELECT COUNT(*) FROM pragma_foreign_key_check")).ShouldBe(0);
        (await CountAsync("SELECT COUNT(*) FROM manifest_children c JOIN manifests p ON p.id = c.manifest_id JOIN manifests m ON m.id = c.child_id WHERE p.trashed_at IS NULL AND m.trashed_at IS NOT NULL")).ShouldBe(0, "a live index with a trashed child");
        (await CountAsync("SELECT COUNT(*) FROM manifest_blobs e JOIN manifests p ON p.id = e.manifest_id JOIN links l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id WHERE p.trashed_at IS NULL AND l.trashed_at IS NOT NULL")).ShouldBe(0, "a live manifest with a trashed link");
        (await CountAsync("SELECT COUNT(*) FROM links l WHERE NOT EXISTS (SELECT 1 FROM manifest_blobs e WHERE e.repository_id = l.repository_id AND e.blob_id = l.blob_id) AND NOT EXISTS (SELECT 1 FROM link_reviews v WHERE v.repository_id = l.repository_id AND v.blob_id = l.blob_id) AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.repository_id = l.repository_id AND t.blob_id = l.blob_id)")).ShouldBe(0, "a link that nothing uses and nothing will review");
        (await CountAsync("SELECT COUNT(*) FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id) AND NOT EXISTS (SELECT 1 FROM blob_reviews v WHERE v.blob_id = b.id)")).ShouldBe(0, "a blob that nothing refers to and nothing will review");
        (await CountAsync("SELECT COUNT(*) FROM manifests m WHERE m.trashed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.manifest_id = m.id AND t.kind = 2)")).ShouldBe(0, "a trashed manifest that will never be purged");
        var held = await ReadAsync(db =>
        {
            var digests = new List<Digest>();
            using var statement = new Statement(db.Connection, "SELECT b.digest FROM blobs b WHERE b.deleting_at IS NULL");
            using var rows = statement.Query();
            while (rows.Read())
                digests.Add(rows.Digest(0));
            return digests;
        });
        foreach (var digest in held)
            (await Stores.Blobs.FindSizeAsync(digest, CancellationToken.None)).ShouldNotBeNull($"bytes of {digest}");
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task OpenAsync()
    {
        _data = DataFolder.Open(_folder);
        _database = SqliteMetadataDatabase.Open(_data.DatabaseFile);
        Stores = new ContentStores(Decorate(new FileSystemBlobStore(_data, TimeProvider.System)), _database);
        StoreTime = await StoreTime.OpenAsync(_database, Time, CancellationToken.None);
        Incidents = new IncidentBook(_database, StoreTime, NullLogger<IncidentBook>.Instance);
        Collector = new Collector(Stores, new CollectionTerms(Options, Trash), Incidents, StoreTime);
        foreach (var name in new[] { "test", "other" })
            _registries[name] = await WriteAsync(db => Registries.Ensure(db, name));
    }

    private async Task CloseAsync()
    {
        Collector.Dispose();
        await _database!.DisposeAsync();
        await Stores.Blobs.DisposeAsync();
        _data!.Dispose();
    }
}
