using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>
/// One hosted registry of a Holdfast that takes content in: a data folder that is opened here, or a server that is asked. Both end in the same acceptance (<see cref="BlobImport"/>,
/// <see cref="ManifestImport"/>).
/// </summary>
/// <remarks>What it throws, an <see cref="IOException"/> mostly, ends the import: it is not the source's fault, and the next blob would fare no better.</remarks>
public abstract class ImportTarget : IAsyncDisposable
{
    /// <summary>For messages.</summary>
    public abstract string Name { get; }

    /// <summary>Where files of this machine are brought in; null: bytes are all that it takes.</summary>
    public abstract FileStaging? Staging { get; }

    public abstract RepositoryKey KeyOf(RepositoryName repository);

    /// <returns>Which of the manifests are there, and nothing is known to be wrong with them.</returns>
    public abstract Task<IReadOnlySet<Digest>> FindManifestsAsync(RepositoryName repository, IReadOnlyList<Digest> manifests, CancellationToken token);

    /// <returns>Where those of the tags point that are there.</returns>
    public abstract Task<IReadOnlyDictionary<Tag, Digest>> FindTagsAsync(RepositoryName repository, IReadOnlyList<Tag> tags, CancellationToken token);

    /// <returns>Which of the blobs need no bytes.</returns>
    public abstract Task<IReadOnlySet<Digest>> FindPresentAsync(IReadOnlyCollection<LinkedBlob> blobs, CancellationToken token);

    /// <summary>Takes in what was brought among the uploads, and links what is there.</summary>
    public abstract Task<IReadOnlyList<BlobReceipt>> AcceptAsync(IReadOnlyList<BlobOffer> offers, CancellationToken token);

    /// <summary>Takes in one blob whose bytes come along.</summary>
    /// <param name="content">The source's; what goes wrong with reading it is thrown as a <see cref="Sources.SourceException"/>.</param>
    public abstract Task<BlobReceipt> StoreAsync(RepositoryName repository, LinkedBlob blob, Stream content, CancellationToken token);

    /// <summary>Takes in manifests, children before the indexes over them, and moves their tags.</summary>
    public abstract Task<IReadOnlyList<ManifestReceipt>> AcceptAsync(IReadOnlyList<ManifestOffer> offers, CancellationToken token);

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
