using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Manifests;

/// <summary>What a caller is told of a manifest that is there, where it matters what the caller will do next.</summary>
internal sealed class ManifestSight(PushHolds holds, DamagedImages damaged)
{
    /// <returns>False if it must be answered as not there.</returns>
    public async ValueTask<bool> ShowsAsync(RegistryRequest request, StoredManifest manifest) =>
        !await damaged.HideAsync(request, manifest) && await holds.HoldAsync(request, manifest);
}
