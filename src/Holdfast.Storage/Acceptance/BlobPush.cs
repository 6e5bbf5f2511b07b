using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Acceptance;

/// <summary>The last step of every upload: bytes become a blob, the repository gets its link (P1). It heals whatever was wrong with that blob.</summary>
public static class BlobPush
{
    /// <summary>Makes a blob of the upload's bytes and links it; the session's row goes in the same transaction.</summary>
    /// <returns>Null if the bytes have another digest; nothing was stored then.</returns>
    /// <exception cref="IOException">It is not known to be stored; the client must not be told that it is.</exception>
    public static async Task<PushResult?> TryAcceptAsync(
        ContentStores stores, RepositoryKey repository, BlobWriter writer, Digest digest, TimeProvider time)
    {
        var size = writer.SizeBytes;
        await BlobRows.ReadAheadAsync(stores.Metadata, digest);
        using var holder = await stores.Locks.EnterAsync(digest, CancellationToken.None);
        // Neither step takes a request's token: from here on a lost client must not undo the push.
        if (await writer.CommitAsync(digest, CancellationToken.None) != BlobCommitOutcome.Stored)
            return null;
        var blob = new StoredBlob(digest, size, writer.Stamp);
        return await stores.Metadata.WriteAsync(
            (repository, blob, writer.Upload, now: time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (db, s) =>
            {
                BlobLinks.Add(db, s.repository, s.blob, s.now);
                Uploads.Remove(db, s.Upload);
                return new PushResult(Incidents.HealBytes(db, s.blob.Digest, "push", s.now));
            },
            CancellationToken.None);
    }
}

/// <param name="Healed">The incidents that the push ended.</param>
public sealed record PushResult(IReadOnlyList<Incident> Healed);
