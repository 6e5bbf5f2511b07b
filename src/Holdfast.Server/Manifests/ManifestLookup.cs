using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Manifests;

/// <summary>Finds which manifest a repository has under a tag or digest: remembered as long as the database would say the same.</summary>
internal sealed class ManifestLookup(MetadataDatabase metadata)
{
    // About 8,000 manifests (P10).
    private const long LimitBytes = 8L << 20;

    // Both strings of names, the keys' and the row's, and the tables around them.
    private const long EntryBytes = 1_000;

    private readonly AnswerMemory<Place, FoundManifest> _memory = new(metadata, Find, LimitBytes, static (_, _) => EntryBytes);

    public ValueTask<FoundManifest?> FindAsync(RepositoryKey repository, Reference reference, CancellationToken cancellationToken) =>
        _memory.FindAsync(new Place(repository, reference), cancellationToken);

    private static FoundManifest? Find(MetadataSession session, Place place) =>
        Storage.Metadata.Manifests.Find(session, place.Repository, place.Reference) is { } stored
            ? new FoundManifest(stored, ContentNames.Of(stored.Digest))
            : null;

    private readonly record struct Place(RepositoryKey Repository, Reference Reference);
}

/// <summary>A manifest that was found, with what each answer says of it.</summary>
internal sealed record FoundManifest(StoredManifest Stored, ContentNames Names);
