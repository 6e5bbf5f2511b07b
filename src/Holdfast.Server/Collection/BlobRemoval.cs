using System.Data.Common;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Collection;

/// <summary>
/// Removes the bytes of a blob that nothing refers to: marked and committed, then the file, then the row, all of it under the digest's lock, so that a push of
/// the same bytes comes before or after. A crash in between leaves the mark, and the next start goes on from there.
/// </summary>
internal sealed class BlobRemoval(ContentStores stores, IncidentBook incidents, CollectionFigures figures)
{
    // Within a run nothing is tried twice: what could not be removed is marked, so that both lists have it.
    private readonly HashSet<long> _failed = [];

    public async Task RunAsync(UnheldBlob blob, long nowMs)
    {
        if (_failed.Contains(blob.Id))
            return;
        if (stores.Blobs.FindFault() is not null)
        {
            // Without its row it would be a file that nobody knows when the blobs are back.
            _failed.Add(blob.Id);
            figures.Unreadable++;
            return;
        }
        using var holder = await stores.Locks.EnterAsync(blob.Digest, CancellationToken.None);
        try
        {
            await RemoveAsync(blob, nowMs);
        }
        catch (DbException e)
        {
            _failed.Add(blob.Id);
            figures.Refused++;
            CollectionMetrics.Count("blobs", "refused", 1);
            await incidents.OpenAsync(
                IncidentKind.DanglingEdge, blob.Digest.ToString(),
                $"the collection took this blob for unheld and the database refused to remove it ({e.Message}); nothing was lost, please report it");
        }
    }

    private async Task RemoveAsync(UnheldBlob blob, long nowMs)
    {
        if (!await stores.Metadata.WriteAsync((blob, nowMs), static (db, s) => BlobReviews.TryBegin(db, s.blob, s.nowMs), CancellationToken.None))
            return;
        try
        {
            await stores.Blobs.RemoveAsync(blob.Digest, CancellationToken.None);
        }
        catch (IOException e)
        {
            // Whether the file is still there is not known (P6). The mark stays, and with it the row: the next run tries again.
            _failed.Add(blob.Id);
            figures.Unreadable++;
            CollectionMetrics.Count("blobs", "unreadable", 1);
            await incidents.OpenAsync(
                IncidentKind.StoreUnreadable, blob.Digest.ToString(), $"nothing refers to this blob, but it could not be removed: {e.Message}");
            return;
        }
        incidents.Note(await stores.Metadata.WriteAsync((blob, nowMs), static (db, s) => BlobReviews.Finish(db, s.blob, s.nowMs), CancellationToken.None));
        figures.RemovedBlobs++;
        figures.FreedBytes += blob.SizeBytes;
        CollectionMetrics.Freed.Add(blob.SizeBytes);
    }
}
