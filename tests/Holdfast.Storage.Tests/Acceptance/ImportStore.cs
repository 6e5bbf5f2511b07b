using System.Text;
using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Tests.Journal;

namespace Holdfast.Storage.Tests.Acceptance;

/// <summary>A store that things are imported into, with a folder of foreign files on the same file system.</summary>
internal sealed class ImportStore : IAsyncDisposable
{
    public static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder _foreign = new();

    public JournaledStore Store { get; } = new();

    public ContentStores Stores { get; private set; } = null!;

    public RepositoryKey App => Store.App;

    public string Foreign => _foreign.Path;

    public async Task OpenAsync()
    {
        await Store.OpenAsync();
        Stores = new ContentStores(Store.Blobs, Store.Database);
    }

    public string Uploads => Store.InFolder("uploads");

    /// <summary>A file of somebody else's, brought among the uploads.</summary>
    public BlobOffer Bring(byte[] bytes, LinkKind kind = LinkKind.Hard, Digest? claimed = null)
    {
        var digest = claimed ?? Digest.Compute(DigestAlgorithm.Sha256, bytes);
        var file = Path.Combine(Foreign, digest.Hex.ToString());
        if (!File.Exists(file))
            File.WriteAllBytes(file, bytes);
        using var open = File.OpenHandle(file);
        var upload = Guid.NewGuid();
        new FileStaging(Uploads, kind).Bring(open, file, upload);
        return new BlobOffer(digest, bytes.Length, [App]) { Upload = upload };
    }

    public string ForeignFile(Digest digest) => Path.Combine(Foreign, digest.Hex.ToString());

    public Task<BlobReceipts> AcceptAsync(params BlobOffer[] offers) => BlobImport.AcceptAsync(Stores, offers, TimeProvider.System, None);

    public async Task<IReadOnlyList<ManifestReceipt>> AcceptAsync(ImportTerms terms, params ManifestOffer[] offers) =>
        (await ManifestImport.AcceptAsync(Stores, offers, terms, new ImportSurroundings(TimeProvider.System, Guid.NewGuid), None)).Manifests;

    public ManifestOffer Offer(string text, params TagOffer[] tags)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        return new ManifestOffer(App, Digest.Compute(DigestAlgorithm.Sha256, payload)) { Payload = payload, Tags = tags };
    }

    /// <summary>Brings config and layer in, and gives the image that needs them.</summary>
    public async Task<ManifestOffer> ImageAsync(string name, params TagOffer[] tags)
    {
        var parts = new[] { Bytes("config of " + name), Bytes("layer of " + name) };
        await AcceptAsync([.. parts.Select(bytes => Bring(bytes))]);
        return Offer(ManifestTexts.Image(Of(parts[0]), [Of(parts[1])]), tags);
    }

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static Descriptor Of(byte[] bytes) => new("application/octet-stream", Digest.Compute(DigestAlgorithm.Sha256, bytes), bytes.Length);

    public static Descriptor Of(ManifestOffer offer) => new(MediaTypes.OciManifest, offer.Digest, offer.Payload!.Value.Length);

    public Task<VisibleBlob?> FindAsync(Digest digest) => Store.QueryAsync(db => BlobLinks.Find(db, App, digest));

    public Task<Digest?> FindTagAsync(string tag) => Store.QueryAsync(db => Manifests.Find(db, App, Tag.Parse(tag))?.Digest);

    public int LeftUploads() => Directory.GetFiles(Uploads).Length;

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _foreign.Dispose();
    }
}
