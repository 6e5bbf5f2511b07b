using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Simulation.Clients;

/// <summary>What endpoints do between the request and the tables, for requests that need no more than a few lines.</summary>
internal static class Requests
{
    public static readonly TimeSpan Lease = TimeSpan.FromHours(1);

    /// <summary>HEAD of a blob by a caller who may push: what is said to be there is leased.</summary>
    public static async Task<bool> HeadAsync(World world, RepositoryKey repository, Digest blob)
    {
        var stores = world.Process.Stores;
        var found = await stores.Metadata.ReadAsync(
            (repository, blob), static (db, s) => BlobLinks.Find(db, s.repository, s.blob), CancellationToken.None);
        if (found is not { } linked || await stores.Blobs.FindSizeAsync(blob, CancellationToken.None) != linked.SizeBytes)
            return false;
        return await stores.Metadata.WriteAsync(
            (repository, blob, now: world.Process.NowMs), static (db, s) => Leases.Take(db, s.repository, s.blob, s.now), CancellationToken.None);
    }

    /// <summary>A mount (end-11).</summary>
    public static async Task<bool> MountAsync(World world, RepositoryKey source, RepositoryKey target, Digest blob)
    {
        var stores = world.Process.Stores;
        var found = await stores.Metadata.ReadAsync(
            (source, blob), static (db, s) => BlobLinks.Find(db, s.source, s.blob), CancellationToken.None);
        if (found is not { } linked || await stores.Blobs.FindSizeAsync(blob, CancellationToken.None) != linked.SizeBytes)
            return false;
        return await stores.Metadata.WriteAsync(
            (source, target, blob, now: world.Process.NowMs), static (db, s) => BlobLinks.Mount(db, s.source, s.target, s.blob, s.now), CancellationToken.None);
    }
}
