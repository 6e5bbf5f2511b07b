using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Manifests;

/// <summary>
/// Clients that ask for the manifest before they push (crane, oras) send nothing when it is there, and so would never heal the layer below it that is not.
/// Whoever may push is therefore told that a damaged image is not there, when asking by HEAD; a GET gets it as ever. Not of an index: its other
/// platforms keep working (P4), also for those who ask by HEAD before they pull.
/// </summary>
internal sealed class DamagedImages(OpenCounts open)
{
    private static readonly IncidentKind[] Damage = [IncidentKind.BlobMissing, IncidentKind.BlobCorrupt, IncidentKind.StoreUnreadable];

    /// <summary>Costs nothing while no damage is known.</summary>
    public ValueTask<bool> HideAsync(RegistryRequest request, StoredManifest manifest)
    {
        if (request.Registry.IsCache
            || !HttpMethods.IsHead(request.Context.Request.Method)
            || !IsAnyOpen()
            || request.Caller?.May(request.Route.Repository, RegistryActions.Push) != true)
        {
            return new(false);
        }
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        return request.Registry.Metadata.ReadAsync(
            (key, manifest.Digest), static (db, s) => ClosureBlobs.IsDamagedImage(db, s.key, s.Digest), request.Aborted);
    }

    private bool IsAnyOpen()
    {
        foreach (var kind in Damage)
        {
            if (open.Of(kind) > 0)
                return true;
        }
        return false;
    }
}
