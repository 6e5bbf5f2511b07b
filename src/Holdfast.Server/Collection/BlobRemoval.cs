using System.Data.Common;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Collection;

/// <summary>
/// Removes the bytes of blobs that nothing refers to: marked and committed, then the files, then the rows, all of it under the digests' locks, so that a push
/// of the same bytes comes before or after. A crash in between leaves the marks, and the next start goes on from there. A batch takes two commits, however
/// many blobs are in it, since pushes wait for the same disk.
/// </summary>
internal sealed class BlobRemoval(ContentStores stores, IncidentBook incidents, CollectionFigures figures)
{
    // Within a run nothing is tried twice: what could not be removed is marked, so that both lists have it.
    private readonly HashSet<long> _failed = [];

    /// <summary>Removes those that nobody is busy with; the others are left to the next look.</summary>
    public async Task RunAsync(IReadOnlyList<UnheldBlob> blobs, long nowMs)
    {
        if (stores.Blobs.FindFault() is not null)
        {
            // Without their rows they would be files that nobody knows when the blobs are back.
            figures.Unreadable += blobs.Count(blob => _failed.Add(blob.Id));
            return;
        }
        var holders = new List<DigestLocks.Holder>();
        var held = new List<UnheldBlob>();
        try
        {
            foreach (var blob in blobs.Where(blob => !_failed.Contains(blob.Id)))
            {
                if (stores.Locks.TryEnter(blob.Digest) is not { } holder)
                    continue;
                holders.Add(holder);
                held.Add(blob);
            }
            if (held.Count > 0)
                await RemoveAsync(held, nowMs);
        }
        finally
        {
            holders.ForEach(holder => holder.Dispose());
        }
    }

    // What the database refuses undoes the whole change; then each is tried alone, and only the refused one stays.
    private async Task RemoveAsync(List<UnheldBlob> blobs, long nowMs)
    {
        try
        {
            await RemoveTogetherAsync(blobs, nowMs);
        }
        catch (DbException) when (blobs.Count > 1)
        {
            foreach (var blob in blobs)
                await RemoveAsync([blob], nowMs);
        }
        catch (DbException e)
        {
            _failed.Add(blobs[0].Id);
            figures.Refused++;
            CollectionMetrics.Count("blobs", "refused", 1);
            await incidents.OpenAsync(
                IncidentKind.DanglingEdge, blobs[0].Digest.ToString(),
                $"the collection took this blob for unheld and the database refused to remove it ({e.Message}); nothing was lost, please report it");
        }
    }

    private async Task RemoveTogetherAsync(List<UnheldBlob> blobs, long nowMs)
    {
        var begun = await stores.Metadata.WriteAsync(
            (blobs, nowMs), static (db, s) => s.blobs.Where(blob => BlobReviews.TryBegin(db, blob, s.nowMs)).ToList(), CancellationToken.None);
        if (begun.Count == 0)
            return;
        var unremoved = await stores.Blobs.RemoveAsync(begun.ConvertAll(blob => blob.Digest), CancellationToken.None);
        foreach (var (digest, error) in unremoved)
            await NoteUnremovedAsync(begun.Find(blob => blob.Digest == digest), error);
        begun.RemoveAll(blob => _failed.Contains(blob.Id));
        if (begun.Count == 0)
            return;
        incidents.Note(await stores.Metadata.WriteAsync(
            (begun, nowMs), static (db, s) => s.begun.SelectMany(blob => BlobReviews.Finish(db, blob, s.nowMs)).ToList(), CancellationToken.None));
        figures.RemovedBlobs += begun.Count;
        var freed = begun.Sum(blob => blob.SizeBytes);
        figures.FreedBytes += freed;
        CollectionMetrics.Freed.Add(freed);
    }

    // Whether the file is still there is not known (P6). The mark stays, and with it the row: the next run tries again.
    private async Task NoteUnremovedAsync(UnheldBlob blob, IOException error)
    {
        _failed.Add(blob.Id);
        figures.Unreadable++;
        CollectionMetrics.Count("blobs", "unreadable", 1);
        await incidents.OpenAsync(
            IncidentKind.StoreUnreadable, blob.Digest.ToString(), $"nothing refers to this blob, but it could not be removed: {error.Message}");
    }
}
