using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Uploads;

/// <summary>
/// Finds a blob to mount (end-11): from the named repository, or from any of the registry when none is named. Only a repository that
/// the caller may pull from counts, so that nobody learns or gets by a mount what he may not read.
/// </summary>
internal sealed class MountSource
{
    // A popular base layer is linked by very many repositories; a caller who may read none of the first ones uploads it instead.
    private const int MaxSources = 50;

    /// <returns>A repository that has the blob, whose bytes are there in full; null if it can't be mounted for whatever reason.</returns>
    public async ValueTask<RepositoryKey?> FindAsync(RegistryRequest request, Digest digest, string? from)
    {
        var registry = request.Registry;
        IReadOnlyList<RepositoryName> sources;
        if (from is null)
        {
            sources = await registry.Metadata.ReadAsync(
                (registry.Id, digest), static (db, s) => BlobLinks.FindSources(db, s.Id, s.digest, MaxSources), request.Aborted);
        }
        else
            sources = RepositoryName.TryParse(from, out var name) ? [name] : [];

        foreach (var source in sources)
        {
            if (!request.Caller!.May(source, RegistryActions.Pull))
                continue;
            var key = new RepositoryKey(registry.Id, source);
            var blob = await registry.Metadata.ReadAsync(
                (key, digest), static (db, s) => BlobLinks.Find(db, s.key, s.digest), request.Aborted);
            // Wrong bytes that could not be taken away are not there: the client is to send right ones (P4).
            if (blob is { VerifiedAtMs: not BlobChecks.KnownWrong } found && await registry.Blobs.FindSizeAsync(digest, request.Aborted) == found.SizeBytes)
                return key;
        }
        return null;
    }
}
