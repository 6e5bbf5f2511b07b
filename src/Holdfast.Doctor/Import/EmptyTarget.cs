using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>A place where nothing is yet, for a dry run.</summary>
public sealed class EmptyTarget(string name) : ImportTarget
{
    public override string Name => name;

    public override FileStaging? Staging => null;

    public override RepositoryKey KeyOf(RepositoryName repository) => new(0, repository);

    public override Task<IReadOnlySet<Digest>> FindManifestsAsync(RepositoryName repository, IReadOnlyList<Digest> manifests, CancellationToken token) =>
        Task.FromResult<IReadOnlySet<Digest>>(new HashSet<Digest>());

    public override Task<IReadOnlyDictionary<Tag, Digest>> FindTagsAsync(RepositoryName repository, IReadOnlyList<Tag> tags, CancellationToken token) =>
        Task.FromResult<IReadOnlyDictionary<Tag, Digest>>(new Dictionary<Tag, Digest>());

    public override Task<IReadOnlySet<Digest>> FindPresentAsync(IReadOnlyCollection<LinkedBlob> blobs, CancellationToken token) =>
        Task.FromResult<IReadOnlySet<Digest>>(new HashSet<Digest>());

    public override Task<IReadOnlyList<BlobReceipt>> AcceptAsync(IReadOnlyList<BlobOffer> offers, CancellationToken token) => throw Nothing();

    public override Task<BlobReceipt> StoreAsync(RepositoryName repository, LinkedBlob blob, Stream content, CancellationToken token) => throw Nothing();

    public override Task<IReadOnlyList<ManifestReceipt>> AcceptAsync(IReadOnlyList<ManifestOffer> offers, CancellationToken token) => throw Nothing();

    private static InvalidOperationException Nothing() => new("a dry run would have taken something in (invariant)");
}
