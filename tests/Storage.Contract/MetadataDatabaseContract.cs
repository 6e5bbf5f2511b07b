using System.Data.Common;
using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

/// <summary>What every metadata database does; split over several files by what is tested.</summary>
public abstract partial class MetadataDatabaseContract : IAsyncLifetime
{
    protected const long Now = 1_800_000_000_000;
    protected const long Stamp = 4711;

    protected static readonly Deletion ByClient = new("op", DeletionCause.Client, "ci");

    protected MetadataDatabase Database { get; private set; } = null!;

    protected RepositoryKey App { get; private set; }

    protected RepositoryKey Other { get; private set; }

    /// <summary>Opens the test's database; called again, the same one as after a restart.</summary>
    protected abstract MetadataDatabase Open();

    public virtual async ValueTask InitializeAsync()
    {
        Database = Open();
        var registry = await ChangeAsync(session => Registries.Ensure(session, "private"));
        App = new RepositoryKey(registry, RepositoryName.Parse("team/app"));
        Other = new RepositoryKey(registry, RepositoryName.Parse("team/other"));
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected Task<T> ChangeAsync<T>(Func<MetadataSession, T> change) =>
        Database.WriteAsync(change, static (session, run) => run(session), CancellationToken.None);

    protected Task ChangeAsync(Action<MetadataSession> change) => ChangeAsync(session =>
    {
        change(session);
        return true;
    });

    protected async Task<T> QueryAsync<T>(Func<MetadataSession, T> query) =>
        await Database.ReadAsync(query, static (session, run) => run(session), CancellationToken.None);

    protected Task<long?> CountAsync(string table) => QueryAsync(session =>
    {
        using var statement = new Statement(session.Connection, "SELECT COUNT(*) FROM " + table);
        return statement.QueryLong();
    });

    /// <summary>The database itself must refuse this SQL, whoever runs it (P3).</summary>
    protected Task ShouldRefuseAsync(string sql) => Should.ThrowAsync<DbException>(() => ChangeAsync(session => session.Execute(sql)));

    protected async Task RestartAsync()
    {
        await Database.DisposeAsync();
        Database = Open();
    }

    protected static Descriptor Content(string text, string mediaType = "application/octet-stream") =>
        new(mediaType, Digest.Compute(DigestAlgorithm.Sha256, Encoding.UTF8.GetBytes(text)), text.Length);

    protected async Task<Descriptor> LinkAsync(string text, RepositoryKey? repository = null)
    {
        var content = Content(text);
        await ChangeAsync(session => BlobLinks.Add(session, repository ?? App, new StoredBlob(content.Digest, content.SizeBytes, Stamp), Now));
        return content;
    }

    /// <summary>Bytes that stand for the manifest: the database never parses them.</summary>
    protected static ManifestPut Putting(RepositoryKey repository, string payload, Manifest manifest, params string[] tags)
    {
        var bytes = Encoding.UTF8.GetBytes(payload);
        return new ManifestPut(repository, Digest.Compute(DigestAlgorithm.Sha256, bytes), bytes, manifest, [.. tags.Select(Tag.Parse)]);
    }

    protected Task<ManifestClosure> PutAsync(ManifestPut put, long nowMs = Now) => ChangeAsync(session => Manifests.Put(session, put, nowMs));

    protected static Manifest Image(Descriptor? config, params Descriptor[] layers) =>
        new() { MediaType = MediaTypes.OciManifest, Config = config, Layers = layers };

    protected static Manifest Index(params Descriptor[] children) => new() { MediaType = MediaTypes.OciIndex, Children = children };

    protected static Descriptor AsChild(ManifestPut put) => new(put.Manifest.MediaType, put.Digest, put.Payload.Length);

    /// <summary>Puts an image with a config and a layer of its own.</summary>
    protected async Task<ManifestPut> PutImageAsync(string name, RepositoryKey? repository = null, params string[] tags)
    {
        var config = await LinkAsync($"config of {name}", repository);
        var layer = await LinkAsync($"layer of {name}", repository);
        var put = Putting(repository ?? App, $"image {name}", Image(config, layer), tags);
        (await PutAsync(put)).IsWhole.ShouldBeTrue();
        return put;
    }

    protected static string Numbered(int number) => number.ToString("d6", CultureInfo.InvariantCulture);
}
