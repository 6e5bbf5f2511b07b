using Holdfast.Doctor.Import;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;

namespace Holdfast.Doctor.Tests.Import;

/// <summary>A data folder with its real stores that a registry's folder beside it is imported into.</summary>
internal sealed class ImportFolder : IAsyncDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private readonly List<IAsyncDisposable> _open = [];
    private DataFolder _data = null!;
    private int _registry;

    public FakeRegistry Old { get; private set; } = null!;

    public ContentStores Stores { get; private set; } = null!;

    public string Uploads => Path.Combine(_temporary.Path, "new", "uploads");

    public string OldPath => Path.Combine(_temporary.Path, "old");

    public string Temporary => _temporary.Path;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ImportFolder> CreateAsync()
    {
        var folder = new ImportFolder();
        folder.Old = new FakeRegistry(folder.OldPath);
        folder._data = DataFolder.Open(Path.Combine(folder.Temporary, "new"));
        var blobs = new FileSystemBlobStore(folder._data, TimeProvider.System);
        var (database, _) = await SqliteMetadataDatabase.OpenAsync(folder._data, blobs, TimeProvider.System, Token);
        folder.Stores = new ContentStores(blobs, database);
        folder._registry = await database.WriteAsync("main", static (db, name) => Registries.Ensure(db, name), Token);
        return folder;
    }

    public ImportTarget Target(long reserveBytes = 0, LinkKind link = LinkKind.Auto, bool replacesTags = false)
    {
        var terms = new StoreImportTerms(
            "new", new ImportTerms(replacesTags), new ImportSurroundings(TimeProvider.System, Guid.NewGuid), reserveBytes);
        return new StoreTarget(Stores, _registry, new FileStaging(Uploads, link), terms);
    }

    public ContentSource Source()
    {
        var source = new RegistryFolderSource(Old.Open(), _ => { });
        _open.Add(source);
        return source;
    }

    public static ImportOptions Options { get; } = new() { NewUpload = Guid.NewGuid };

    public Task<ImportReport> ImportAsync(ImportOptions? options = null, ContentSource? source = null, ImportTarget? target = null) =>
        new Importer(source ?? Source(), target ?? Target(), options ?? Options).RunAsync(Token);

    public RepositoryKey Key(string repository) => new(_registry, RepositoryName.Parse(repository));

    public async Task<Digest?> FindAsync(string repository, string reference) => (await Stores.Metadata.ReadAsync(
        (Key: Key(repository), reference),
        static (db, s) => Manifests.Find(db, s.Key, Digest.TryParse(s.reference, out var digest) ? digest : (Reference)Tag.Parse(s.reference)),
        Token))?.Digest;

    public async Task<VisibleBlob?> FindBlobAsync(string repository, Digest digest) =>
        await Stores.Metadata.ReadAsync((Key: Key(repository), digest), static (db, s) => BlobLinks.Find(db, s.Key, s.digest), Token);

    public async Task<IReadOnlyList<RootRow>> RootsAsync(string repository) =>
        await Stores.Metadata.ReadAsync(Key(repository), static (db, key) => RepositoryRoots.List(db, key), Token);

    public void ShouldHaveLeftNothing() => Directory.GetFiles(Uploads).ShouldBeEmpty();

    public async ValueTask DisposeAsync()
    {
        foreach (var open in _open)
            await open.DisposeAsync();
        await Stores.Metadata.DisposeAsync();
        await Stores.Blobs.DisposeAsync();
        _data.Dispose();
        _temporary.Dispose();
    }
}
