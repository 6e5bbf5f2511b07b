using System.Data.Common;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Collection;

/// <summary>
/// One look at the trash and the three queues, in the order in which one feeds the next. Each batch is a short change, so that pushes wait for none of
/// it; a row that fails stays where it is, and the pass goes on behind it.
/// </summary>
internal sealed class CollectionPass(ContentStores stores, IncidentBook incidents, CollectionFigures figures, CollectionTimes times)
{
    // A batch shares the writer with pushes: this many rows take about as long as a sync of the log.
    private const int BatchRows = 100;

    public required BlobRemoval Removal { get; init; }

    public required CollectionPace Pace { get; init; }

    public required Func<CollectionFigures, ValueTask> Progress { get; init; }

    /// <summary>
    /// Asked where the rows are judged: if the clock is set back during a pass, a lease that is taken then is from before the pass began, and would
    /// count for nothing.
    /// </summary>
    public required Func<ReviewTimes> Now { get; init; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await FinishRemovalsAsync(cancellationToken);
        await DrainAsync("trash", ListTrash, PurgeAsync, cancellationToken);
        await DrainAsync("manifests", ListManifests, ReviewManifestsAsync, cancellationToken);
        await DrainAsync("links", ListLinks, ReviewLinksAsync, cancellationToken);
        await DrainAsync("blobs", ListBlobs, ReviewBlobsAsync, cancellationToken);
    }

    /// <summary>Removals that a crash or an error cut short: finished, or taken back if something refers to the blob again.</summary>
    public async Task FinishRemovalsAsync(CancellationToken cancellationToken)
    {
        for (var after = QueueRow.Start; ;)
        {
            var page = await stores.Metadata.ReadAsync(
                after, static (db, after) => BlobReviews.ListUnfinished(db, after, BatchRows), cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            await Removal.RunAsync([.. page.Select(unfinished => unfinished.Blob)], times.Reviews.NowMs);
            if (page.Count < BatchRows)
                return;
            after = page[^1].Row;
        }
    }

    private async Task DrainAsync(
        string queue, Func<MetadataSession, (long Due, QueueRow After), IReadOnlyList<QueueRow>> list, BatchHandler handle,
        CancellationToken cancellationToken)
    {
        var due = ReferenceEquals(queue, "trash") ? times.TrashDueMs : times.Reviews.DueMs;
        for (var after = QueueRow.Start; ;)
        {
            var page = await stores.Metadata.ReadAsync((due, after), list, cancellationToken);
            if (page.Count == 0)
                return;
            await HandleAsync(queue, page, handle);
            figures.Reviews += page.Count;
            await Progress(figures);
            if (page.Count < BatchRows)
                return;
            after = page[^1];
            await Pace.KeepAsync(page.Count, cancellationToken);
        }
    }

    // What the database refuses undoes the whole batch; then each row is tried alone, and only the refused one stays.
    private async Task HandleAsync(string queue, IReadOnlyList<QueueRow> page, BatchHandler handle)
    {
        try
        {
            await handle(page);
        }
        catch (DbException) when (page.Count > 1)
        {
            foreach (var row in page)
                await HandleAsync(queue, [row], handle);
        }
        catch (DbException e)
        {
            figures.Refused++;
            CollectionMetrics.Count(queue, "refused", 1);
            await incidents.OpenAsync(
                IncidentKind.DanglingEdge, $"{queue} {page[0].First}/{page[0].Second}",
                $"the collection took this for unheld and the database refused to remove it ({e.Message}); nothing was lost, please report it");
        }
    }

    private async Task PurgeAsync(IReadOnlyList<QueueRow> page)
    {
        var results = await stores.Metadata.WriteAsync(
            (page, now: times.Reviews.NowMs), static (db, s) => s.page.Select(row => Purges.Purge(db, row.First, s.now)).ToList(), CancellationToken.None);
        foreach (var result in results)
        {
            CollectionMetrics.Count("trash", result.Outcome.ToString().ToLowerInvariant(), 1);
            if (result.Outcome != PurgeOutcome.Purged)
                continue;
            figures.PurgedTags += result.Kind == TrashKind.Tag ? 1 : 0;
            figures.PurgedManifests += result.Kind == TrashKind.Manifest ? 1 : 0;
            figures.PurgedLinks += result.Kind == TrashKind.Link ? 1 : 0;
        }
    }

    private async Task ReviewManifestsAsync(IReadOnlyList<QueueRow> page)
    {
        var outcomes = await stores.Metadata.WriteAsync(
            (page, Now), static (db, s) => Judge(s.page, s.Now(), (row, now) => ManifestReviews.Judge(db, row, now)), CancellationToken.None);
        figures.TrashedManifests += Count("manifests", outcomes);
    }

    private async Task ReviewLinksAsync(IReadOnlyList<QueueRow> page)
    {
        var outcomes = await stores.Metadata.WriteAsync(
            (page, Now), static (db, s) => Judge(s.page, s.Now(), (row, now) => LinkReviews.Judge(db, row, now)), CancellationToken.None);
        figures.RemovedLinks += Count("links", outcomes);
    }

    private static List<ReviewOutcome> Judge(IReadOnlyList<QueueRow> page, ReviewTimes now, Func<QueueRow, ReviewTimes, ReviewOutcome> judge) =>
        [.. page.Select(row => judge(row, now))];

    private async Task ReviewBlobsAsync(IReadOnlyList<QueueRow> page)
    {
        var (outcomes, unheld) = await stores.Metadata.WriteAsync((page, times.Reviews), static (db, s) => JudgeBlobs(db, s.page, s.Reviews), CancellationToken.None);
        Count("blobs", outcomes);
        if (unheld.Count > 0)
            await Removal.RunAsync(unheld, times.Reviews.NowMs);
    }

    private static (List<ReviewOutcome> Outcomes, List<UnheldBlob> Unheld) JudgeBlobs(MetadataSession db, IReadOnlyList<QueueRow> page, ReviewTimes times)
    {
        var (outcomes, unheld) = (new List<ReviewOutcome>(), new List<UnheldBlob>());
        foreach (var row in page)
        {
            outcomes.Add(BlobReviews.Judge(db, row, times, out var blob));
            if (outcomes[^1] == ReviewOutcome.Collected)
                unheld.Add(blob);
        }
        return (outcomes, unheld);
    }

    private static long Count(string queue, List<ReviewOutcome> outcomes)
    {
        foreach (var outcome in outcomes)
            CollectionMetrics.Count(queue, outcome.ToString().ToLowerInvariant(), 1);
        return outcomes.Count(outcome => outcome == ReviewOutcome.Collected);
    }

    private static IReadOnlyList<QueueRow> ListTrash(MetadataSession db, (long Due, QueueRow After) s) => Purges.ListDue(db, s.Due, s.After, BatchRows);

    private static IReadOnlyList<QueueRow> ListManifests(MetadataSession db, (long Due, QueueRow After) s) =>
        ManifestReviews.ListDue(db, s.Due, s.After, BatchRows);

    private static IReadOnlyList<QueueRow> ListLinks(MetadataSession db, (long Due, QueueRow After) s) => LinkReviews.ListDue(db, s.Due, s.After, BatchRows);

    private static IReadOnlyList<QueueRow> ListBlobs(MetadataSession db, (long Due, QueueRow After) s) => BlobReviews.ListDue(db, s.Due, s.After, BatchRows);

    private delegate Task BatchHandler(IReadOnlyList<QueueRow> page);
}

/// <summary>What a run takes for due.</summary>
/// <param name="TrashDueMs">What was deleted by then is purged.</param>
internal readonly record struct CollectionTimes(long TrashDueMs, ReviewTimes Reviews);
