using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Manifests;

/// <summary>
/// Gets a manifest's bytes: from memory, else from the database, else from the blob store. Bytes that don't match their digest
/// are never handed out (P4); the two copies stand in for each other, and a wrong one is mended on the way.
/// </summary>
internal sealed class ManifestReader(ManifestLookup lookup, ManifestCache cache, ManifestCopies copies)
{
    /// <returns>Null if the repository has no such manifest.</returns>
    public ValueTask<FoundManifest?> FindAsync(RepositoryKey repository, Reference reference, CancellationToken cancellationToken) =>
        lookup.FindAsync(repository, reference, cancellationToken);

    /// <returns>The bytes, or null if neither copy is whole.</returns>
    /// <exception cref="IOException">No copy could be read that is whole.</exception>
    public ValueTask<byte[]?> ReadAsync(StoredManifest manifest, CancellationToken cancellationToken)
    {
        var cached = cache.Find(manifest.Digest);
        return cached is not null ? ValueTask.FromResult<byte[]?>(cached) : LoadAsync(manifest, cancellationToken);
    }

    private async ValueTask<byte[]?> LoadAsync(StoredManifest manifest, CancellationToken cancellationToken)
    {
        var payload = await copies.ReadAsync(manifest.Digest, cancellationToken)
            ?? (await copies.MendAsync(manifest.Digest, cancellationToken)).Payload;
        if (payload is not null)
            cache.Add(manifest.Digest, payload);
        return payload;
    }
}
