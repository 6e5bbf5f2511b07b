using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>
/// A look at everything that somebody asked for: whether each blob's file is there as it was when it was last hashed, and whether each manifest's edges are those that its
/// bytes state. No file is read but those that are not as they should be: they are inspected as the scrub would, which decides, reports and mends.
/// </summary>
internal sealed class FastRun(ContentStores stores, Inspection inspection, TimeProvider time)
{
    // A few milliseconds of work, after which others have their turn.
    private const int PageRows = 200;

    private readonly Pace _pace = new(long.MaxValue, time);
    private readonly ScrubTally _tally = new();
    private long _total;
    private long _done;
    private long _dangling;

    public async Task<ScrubReport> RunAsync(Func<AdminProgress, ValueTask> report, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        _total = await stores.Metadata.ReadAsync(0, static (db, _) => BlobChecks.Count(db) + Storage.Metadata.Manifests.Count(db), cancellationToken);
        // Side by side: the one asks the file system more than the database, the other computes.
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var files = EndBothAsync(LookAtFilesAsync(report, both.Token), both);
        var edges = EndBothAsync(LookAtEdgesAsync(report, both.Token), both);
        await Task.WhenAll(files, edges);
        await inspection.FlushAsync();
        return _tally.Report(time.GetElapsedTime(started)) with { Unread = await files, Dangling = _dangling };
    }

    private static async Task<long> EndBothAsync(Task<long> one, CancellationTokenSource both)
    {
        try
        {
            return await one;
        }
        catch
        {
            await both.CancelAsync();
            throw;
        }
    }

    /// <returns>How many were as they should be.</returns>
    private async Task<long> LookAtFilesAsync(Func<AdminProgress, ValueTask> report, CancellationToken cancellationToken)
    {
        var (last, unread) = (0L, 0L);
        while (await ReadPageAsync(last, cancellationToken) is { Count: > 0 } page)
        {
            await Task.Yield();
            foreach (var blob in page)
            {
                if (await IsAsHashedAsync(blob, cancellationToken))
                    unread++;
                else
                    _tally.Count(blob, await inspection.RunAsync(blob, _pace, cancellationToken));
            }
            last = page[^1].Id;
            await ReportAsync(report, page.Count);
        }
        return unread;
    }

    private ValueTask<IReadOnlyList<KnownBlob>> ReadPageAsync(long after, CancellationToken cancellationToken) =>
        stores.Metadata.ReadAsync(after, static (db, after) => BlobChecks.ListById(db, after, PageRows), cancellationToken);

    // One in doubt, whose row says the stamp that was last seen, is left to the walk, which takes those first: after an import that trusted its source they are all there is.
    private async ValueTask<bool> IsAsHashedAsync(KnownBlob blob, CancellationToken cancellationToken)
    {
        if (blob.VerifiedAtMs == BlobChecks.KnownWrong)
            return false;
        try
        {
            return await stores.Blobs.FindStatusAsync(blob.Digest, cancellationToken) is { } status
                && status.SizeBytes == blob.SizeBytes && status.Stamp == blob.Stamp;
        }
        catch (IOException)
        {
            return false; // The inspection meets the same, and says so.
        }
    }

    private async Task<long> LookAtEdgesAsync(Func<AdminProgress, ValueTask> report, CancellationToken cancellationToken)
    {
        var last = 0L;
        while (true)
        {
            await Task.Yield();
            var page = await stores.Metadata.ReadAsync(last, static (db, last) => EdgePages.Read(db, last, PageRows), cancellationToken);
            if (page.Count == 0)
                return last;
            foreach (var manifest in page.Differing)
                await InspectAsync(manifest, cancellationToken);
            last = page.LastId;
            await ReportAsync(report, page.Count);
        }
    }

    // Its files are counted where all are looked at; here only what its edges are after what could be mended was.
    private async Task InspectAsync(KnownBlob manifest, CancellationToken cancellationToken)
    {
        await inspection.RunAsync(manifest, _pace, cancellationToken);
        var isWhole = await stores.Metadata.ReadAsync(
            manifest.Digest,
            static (db, digest) => Storage.Metadata.Manifests.ReadPayload(db, digest) is not { } payload || EdgeCheck.IsWhole(db, digest, payload),
            cancellationToken);
        if (isWhole)
            return;
        Interlocked.Increment(ref _dangling);
        _tally.Add(manifest, "dangling");
    }

    private ValueTask ReportAsync(Func<AdminProgress, ValueTask> report, int more) =>
        report(new AdminProgress("looking", Interlocked.Add(ref _done, more), _total, "blobs and manifests"));
}
