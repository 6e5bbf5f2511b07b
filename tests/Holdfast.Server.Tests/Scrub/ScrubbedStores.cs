using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Server.Scrub;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

/// <summary>Real stores in a temporary folder and the checks on them, driven by hand on a clock that stands.</summary>
public class ScrubbedStores : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-scrub-").FullName;
    private DataFolder? _data;
    private int _registry;

    internal ManualTime Time { get; } = new();

    internal WatchedBlobStore Blobs { get; private set; } = null!;

    internal ContentStores Stores { get; private set; } = null!;

    internal StoreChecks Checks { get; private set; } = null!;

    internal StoreScrub Scrub { get; private set; } = null!;

    internal string Quarantine => Path.Combine(_folder, "quarantine");

    internal string BlobFolder => Path.Combine(_folder, "blobs", "sha256");

    public ValueTask InitializeAsync() => OpenAsync();

    internal async ValueTask OpenAsync(long bytesPerSecond = long.MaxValue)
    {
        _data = DataFolder.Open(_folder);
        Blobs = new WatchedBlobStore(new FileSystemBlobStore(_data, Time));
        Stores = new ContentStores(Blobs, SqliteMetadataDatabase.Open(_data.DatabaseFile));
        _registry = await Stores.Metadata.WriteAsync("test", static (db, name) => Registries.Ensure(db, name), CancellationToken.None);
        var options = new ServerOptions
        {
            Listeners = [],
            Registries = [],
            Scrub = new ScrubOptions { BytesPerSecond = bytesPerSecond, MaxFilesPerSecond = int.MaxValue, MaxReadsPerSecond = int.MaxValue },
        };
        var incidents = new IncidentBook(Stores.Metadata, Time, NullLogger<IncidentBook>.Instance);
        Checks = StoreChecks.Create(Stores, options.Scrub, incidents, Time, NullLoggerFactory.Instance);
        Scrub = new StoreScrub(Stores, options, Checks, new StoreTime(Time), NullLoggerFactory.Instance);
    }

    internal async ValueTask CloseAsync()
    {
        await Checks.DisposeAsync();
        await Stores.Metadata.DisposeAsync();
        await Blobs.DisposeAsync();
        _data!.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    internal RepositoryKey Repository(string name) => new(_registry, RepositoryName.Parse(name));

    internal string FileOf(Digest digest) => Path.Combine(_folder, "blobs", "sha256", digest.Hex[..2].ToString(), digest.Hex.ToString());

    internal async Task<Digest> PushAsync(byte[] content, string repository = "app")
    {
        var digest = Samples.DigestOf(content);
        await using var writer = await Blobs.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, CancellationToken.None);
        await writer.AppendAsync(content, CancellationToken.None);
        var result = await BlobPush.TryAcceptAsync(Stores, Repository(repository), writer, digest, Time);
        Checks.Findings.Note(result.ShouldNotBeNull().Healed);
        return digest;
    }

    internal async Task<Digest> PushImageAsync(int seed, string repository = "app")
    {
        var (config, layer) = (Samples.Bytes(seed, 50), Samples.Bytes(seed + 100_000, 500));
        await PushAsync(config, repository);
        await PushAsync(layer, repository);
        var payload = Samples.Image(config, layer);
        ManifestParser.TryParse(payload, MediaTypes.OciManifest, out var manifest, out _).ShouldBeTrue();
        var put = new ManifestPut(Repository(repository), Samples.DigestOf(payload), payload, manifest, [Tag.Parse($"t{seed}")]);
        (await ManifestPush.PutAsync(Stores, put, Guid.NewGuid(), Time, CancellationToken.None)).Closure.IsWhole.ShouldBeTrue();
        return put.Digest;
    }

    /// <summary>Kind and subject of every open incident.</summary>
    internal async Task<IReadOnlyList<(IncidentKind Kind, string Subject)>> OpenIncidentsAsync()
    {
        var open = await Stores.Metadata.ReadAsync(1000, static (db, limit) => Storage.Metadata.Incidents.ListOpen(db, limit), CancellationToken.None);
        return [.. open.Select(incident => (incident.Kind, incident.Subject))];
    }

    internal Task ExecuteAsync(string sql) => Stores.Metadata.WriteAsync(
        sql,
        static (db, sql) =>
        {
            db.Execute(sql);
            return true;
        },
        CancellationToken.None);

    internal ValueTask<long> CountAsync(string sql) =>
        Stores.Metadata.ReadAsync(sql, static (db, sql) => db.Prepare(sql).QueryLong() ?? 0, CancellationToken.None);

    /// <summary>What the server does by itself after a sweep: suspects, then what is due.</summary>
    internal async Task CheckAllAsync()
    {
        await Scrub.Sweep.RunAsync(CancellationToken.None);
        await Scrub.Walk.RunAsync(CancellationToken.None);
    }
}
