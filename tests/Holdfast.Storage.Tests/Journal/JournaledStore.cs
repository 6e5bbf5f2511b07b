using System.Text;
using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>A data folder with its real stores, which is closed, killed and opened again.</summary>
internal sealed class JournaledStore : IAsyncDisposable
{
    public static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder? _temporary;
    private DataFolder? _data;
    private FileSystemBlobStore? _blobs;
    private SqliteMetadataDatabase? _database;
    private long _now = 1_800_000_000_000;

    public JournaledStore(string? path = null)
    {
        _temporary = path is null ? new TemporaryFolder() : null;
        Path = path ?? _temporary!.Path;
    }

    public string Path { get; }

    public string DatabaseFile => InFolder("holdfast.db");

    public string Journal => InFolder("journal");

    public string Quarantine => InFolder("quarantine");

    public SqliteMetadataDatabase Database => _database ?? throw new InvalidOperationException("the store is closed");

    public FileSystemBlobStore Blobs => _blobs!;

    public DataFolder Data => _data!;

    public RepositoryKey App { get; private set; }

    /// <summary>Each is later than the one before, so that no two times are equal by luck.</summary>
    public long Now => _now += 1000;

    public string InFolder(string name) => System.IO.Path.Combine(Path, name);

    public async Task<StartFindings> OpenAsync()
    {
        _data = DataFolder.Open(Path);
        _blobs = new FileSystemBlobStore(_data, TimeProvider.System);
        try
        {
            (_database, var findings) = await SqliteMetadataDatabase.OpenAsync(_data, _blobs, TimeProvider.System, None);
            var registry = await ChangeAsync(session => Registries.Ensure(session, "main"));
            App = new RepositoryKey(registry, RepositoryName.Parse("team/app"));
            return findings;
        }
        catch
        {
            await CloseAsync();
            throw;
        }
    }

    public async Task CloseAsync()
    {
        if (_database is not null)
            await _database.DisposeAsync();
        if (_blobs is not null)
            await _blobs.DisposeAsync();
        _data?.Dispose();
        (_database, _blobs, _data) = (null, null, null);
    }

    /// <summary>What a kill leaves: the files as they are now, the log beside the database, are put in place of those that closing makes.</summary>
    public async Task KillAsync()
    {
        var left = Directory.GetFiles(Path, "holdfast.db*").ToDictionary(file => file, File.ReadAllBytes, StringComparer.Ordinal);
        var journal = Directory.GetFiles(Journal).ToDictionary(file => file, File.ReadAllBytes, StringComparer.Ordinal);
        await CloseAsync();
        foreach (var file in Directory.GetFiles(Path, "holdfast.db*").Concat(Directory.GetFiles(Journal)))
            File.Delete(file);
        foreach (var (file, bytes) in left.Concat(journal))
            await File.WriteAllBytesAsync(file, bytes, None);
    }

    public Task<T> ChangeAsync<T>(Func<MetadataSession, T> change) => Database.WriteAsync(change, static (session, run) => run(session), None);

    public async Task<T> QueryAsync<T>(Func<MetadataSession, T> query) =>
        await Database.ReadAsync(query, static (session, run) => run(session), None);

    public async Task<List<string>> DumpAsync() => await QueryAsync(LogicalDump.Read);

    public async Task<Descriptor> PushBlobAsync(string text, RepositoryKey? repository = null)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var digest = Digest.Compute(DigestAlgorithm.Sha256, bytes);
        await using var writer = await Blobs.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, None);
        await writer.AppendAsync(bytes, None);
        await writer.CommitAsync(digest, None);
        var blob = new StoredBlob(digest, bytes.Length, writer.Stamp);
        var now = Now;
        await ChangeAsync(session =>
        {
            BlobLinks.Add(session, repository ?? App, blob, now);
            return 0;
        });
        return new Descriptor("application/octet-stream", digest, bytes.Length);
    }

    /// <summary>Puts an image of one layer, or an index of what is given.</summary>
    public async Task<Descriptor> PushImageAsync(string name, params string[] tags)
    {
        var config = await PushBlobAsync("config of " + name);
        var layer = await PushBlobAsync("layer of " + name);
        return await PutAsync(App, ManifestTexts.Image(config, [layer]), tags);
    }

    public Task<Descriptor> PushIndexAsync(Descriptor[] children, params string[] tags) => PutAsync(App, ManifestTexts.Index(children), tags);

    public async Task<Descriptor> PutAsync(RepositoryKey repository, string text, params string[] tags)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        if (!ManifestParser.TryParse(payload, null, out var manifest, out var problem))
            throw new InvalidOperationException(problem);
        var digest = Digest.Compute(DigestAlgorithm.Sha256, payload);
        var put = new ManifestPut(repository, digest, payload, manifest, [.. tags.Select(Tag.Parse)]);
        await using (var writer = await Blobs.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, None))
        {
            await writer.AppendAsync(payload, None);
            await writer.CommitAsync(digest, None);
            put = put with { Stamp = writer.Stamp };
        }
        var now = Now;
        var closure = await ChangeAsync(session => Manifests.Put(session, put, now));
        if (!closure.IsWhole)
            throw new InvalidOperationException($"not whole: {string.Join(", ", closure.Missing)}");
        return new Descriptor(manifest.MediaType, digest, payload.Length);
    }

    public Task<bool> DeleteTagAsync(string tag)
    {
        var now = Now;
        return ChangeAsync(session => Tags.Delete(session, App, Tag.Parse(tag), Deletion(now), now));
    }

    public Task<DeleteResult> DeleteManifestAsync(Digest digest)
    {
        var now = Now;
        return ChangeAsync(session => Manifests.Delete(session, App, digest, Deletion(now), now));
    }

    public Task<DeleteResult> DeleteLinkAsync(Digest digest)
    {
        var now = Now;
        return ChangeAsync(session => BlobLinks.Remove(session, App, digest, Deletion(now), now));
    }

    public string BlobFile(Digest digest) => InFolder($"blobs/{digest.Algorithm.Name()}/{digest.Hex[..2]}/{digest.Hex}");

    public static Deletion Deletion(long now) => new($"operation-{now}", DeletionCause.Client, "ci");

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _temporary?.Dispose();
    }
}
