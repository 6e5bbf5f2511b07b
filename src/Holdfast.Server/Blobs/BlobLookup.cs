using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Blobs;

/// <summary>
/// Finds whether a repository's clients see a blob: remembered as long as the database would say the same. Whether its file is there is asked of the
/// blob store every time.
/// </summary>
internal sealed class BlobLookup(MetadataDatabase metadata)
{
    // About 10,000 blobs (P10).
    private const long LimitBytes = 8L << 20;

    // Both strings of names, and the tables around them.
    private const long EntryBytes = 800;

    private readonly AnswerMemory<Place, FoundBlob> _memory = new(metadata, Find, LimitBytes, static (_, _) => EntryBytes);

    public ValueTask<FoundBlob?> FindAsync(RepositoryKey repository, Digest digest, CancellationToken cancellationToken) =>
        _memory.FindAsync(new Place(repository, digest), cancellationToken);

    private static FoundBlob? Find(MetadataSession session, Place place) =>
        BlobLinks.Find(session, place.Repository, place.Digest) is { } blob ? new FoundBlob(blob, ContentNames.Of(blob.Digest)) : null;

    private readonly record struct Place(RepositoryKey Repository, Digest Digest);
}

/// <summary>A blob that was found, with what each answer says of it.</summary>
internal sealed record FoundBlob(VisibleBlob Blob, ContentNames Names);
