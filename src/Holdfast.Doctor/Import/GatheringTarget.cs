using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>A target that is asked by several slices of one import at once, and takes in together what they offer. It doesn't own the target behind it.</summary>
internal sealed class GatheringTarget(ImportTarget inner) : ImportTarget
{
    private readonly Gathering<BlobOffer, BlobReceipt, Digest> _blobs = new(inner.AcceptAsync, static offer => offer.Digest, static receipt => receipt.Digest)
    {
        MaxOffers = BlobBringing.MaxBlobs,
        MaxWeight = BlobBringing.MaxBytes,
        WeightOf = static offer => offer.SizeBytes,
    };

    private readonly Gathering<ManifestOffer, ManifestReceipt, (RepositoryName, Digest)> _manifests = new(
        inner.AcceptAsync, static offer => (offer.Repository.Name, offer.Digest), static receipt => (receipt.Repository.Name, receipt.Digest))
    {
        MaxOffers = RepositoryImport.MaxManifests,
        MaxWeight = RepositoryImport.MaxPayloadBytes,
        WeightOf = static offer => offer.Payload?.Length ?? 0,
    };

    public override string Name => inner.Name;

    public override FileStaging? Staging => inner.Staging;

    public override RepositoryKey KeyOf(RepositoryName repository) => inner.KeyOf(repository);

    public override Task<IReadOnlySet<Digest>> FindManifestsAsync(RepositoryName repository, IReadOnlyList<Digest> manifests, CancellationToken token) =>
        inner.FindManifestsAsync(repository, manifests, token);

    public override Task<IReadOnlyDictionary<Tag, Digest>> FindTagsAsync(RepositoryName repository, IReadOnlyList<Tag> tags, CancellationToken token) =>
        inner.FindTagsAsync(repository, tags, token);

    public override Task<IReadOnlySet<Digest>> FindPresentAsync(IReadOnlyCollection<LinkedBlob> blobs, CancellationToken token) => inner.FindPresentAsync(blobs, token);

    public override Task<IReadOnlyList<BlobReceipt>> AcceptAsync(IReadOnlyList<BlobOffer> offers, CancellationToken token) => _blobs.AcceptAsync(offers, token);

    public override Task<BlobReceipt> StoreAsync(RepositoryName repository, LinkedBlob blob, Stream content, CancellationToken token) =>
        inner.StoreAsync(repository, blob, content, token);

    public override Task<IReadOnlyList<ManifestReceipt>> AcceptAsync(IReadOnlyList<ManifestOffer> offers, CancellationToken token) => _manifests.AcceptAsync(offers, token);
}
