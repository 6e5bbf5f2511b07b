using System.Data.Common;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Manifests;

/// <summary>
/// A client that may push and is told that a manifest is there may be about to list it in an index: if the manifest waits to be reviewed, its grace
/// begins again. Costs a write only when less than half of it is left.
/// </summary>
internal sealed class PushHolds(TimeSpan grace, TimeProvider time)
{
    /// <returns>False if the repository has lost the manifest since it was found: it must not be answered as there.</returns>
    public ValueTask<bool> HoldAsync(RegistryRequest request, StoredManifest manifest)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (manifest.ReviewQueuedAtMs is not { } queued
            || now - queued < grace.TotalMilliseconds / 2
            || request.Caller?.May(request.Route.Repository, RegistryActions.Push) != true)
        {
            return new(true);
        }
        return new(PostponeAsync(request, manifest, now));
    }

    private static async Task<bool> PostponeAsync(RegistryRequest request, StoredManifest manifest, long nowMs)
    {
        var key = new RepositoryKey(request.Registry.Id, request.Route.Repository);
        try
        {
            return await request.Registry.Metadata.WriteAsync(
                (key, manifest.Digest, nowMs), static (db, s) => ManifestReviews.Postpone(db, s.key, s.Digest, s.nowMs), CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or DbException)
        {
            // It is there all the same; only the client's index may be refused later, naming it.
            return true;
        }
    }
}
