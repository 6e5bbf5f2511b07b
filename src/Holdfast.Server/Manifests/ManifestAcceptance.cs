using Holdfast.Server.Http;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Manifests;

/// <summary>Has manifests stored, by the rules for the tags of their repositories.</summary>
/// <param name="immutableTags">Which tags of a repository must not move; null: all may.</param>
internal sealed class ManifestAcceptance(TimeProvider time, IncidentBook incidents, Func<RepositoryKey, Func<Oci.Tag, bool>?> immutableTags)
{
    public async Task<ManifestClosure> PutAsync(RegistryRequest request, ManifestPut put)
    {
        put = put with { IsImmutable = immutableTags(put.Repository) };
        var result = await ManifestPush.PutAsync(request.Registry.Stores, put, Guid.NewGuid(), time, request.Aborted);
        incidents.Note(result.Healed);
        return result.Closure;
    }
}
