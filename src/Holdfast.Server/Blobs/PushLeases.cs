using System.Data.Common;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Blobs;

/// <summary>
/// Holds what a pushing client is told is there: it won't send those bytes, and its manifest is to find them (P3). Costs a write only when less than half
/// of the last lease is left.
/// </summary>
internal sealed class PushLeases(TimeSpan lease, TimeProvider time)
{
    /// <returns>False if the repository has lost the blob since it was found: it must not be answered as there.</returns>
    public ValueTask<bool> HoldAsync(RegistryRequest request, VisibleBlob blob)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (request.Registry.IsCache
            || !HttpMethods.IsHead(request.Context.Request.Method)
            || now - blob.LeaseTakenAtMs <= lease.TotalMilliseconds / 2
            || request.Caller?.May(request.Route.Repository, RegistryActions.Push) != true)
        {
            return new(true);
        }
        return new(TakeAsync(request.Registry, new RepositoryKey(request.Registry.Id, request.Route.Repository), blob.Digest, now));
    }

    private static async Task<bool> TakeAsync(Registry registry, RepositoryKey key, Digest digest, long nowMs)
    {
        try
        {
            return await registry.Metadata.WriteAsync(
                (key, digest, nowMs), static (db, s) => Leases.Take(db, s.key, s.digest, s.nowMs), CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or DbException)
        {
            // The blob is there all the same. On a full disk nothing can be pushed anyway, and the lease only spares the client a second try.
            return true;
        }
    }
}
