using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Collection;

/// <summary>
/// Takes away what nothing refers to any more, beside all traffic (P5): what was deleted long enough ago leaves the trash, and what that held is
/// reviewed and goes. Its work follows the number of changes; what is held can't be reached, since the foreign keys refuse (P3).
/// </summary>
internal sealed class Collector(ContentStores stores, CollectionTerms terms, IncidentBook incidents, StoreTime time) : IDisposable
{
    /// <summary>Its name in the table of checks.</summary>
    public const string CheckName = "collection";

    // Counting reads all of the queues' rows, so it isn't done at every look.
    private static readonly TimeSpan CountEvery = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _lock = new();
    private CancellationTokenSource? _ownRun;
    private DateTimeOffset? _askedAt;
    private long _countedAt;

    /// <summary>Finishes or takes back what the process before was removing. Before anything is served.</summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        var figures = new CollectionFigures();
        var removal = new BlobRemoval(stores, incidents, figures);
        await CreatePass(CollectionRun.Due, figures, removal).FinishRemovalsAsync(cancellationToken);
    }

    /// <summary>The server's own run: what is due. Makes way for one that somebody asks for, and does nothing while such a one is going on.</summary>
    public async Task RunDueAsync(CancellationToken cancellationToken)
    {
        if (!_turn.Wait(0, CancellationToken.None))
            return;
        using var giveWay = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            lock (_lock)
                _ownRun = giveWay;
            await RunOnceAsync(CollectionRun.Due, giveWay.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The other run does what was left.
        }
        finally
        {
            lock (_lock)
                _ownRun = null;
            _turn.Release();
        }
    }

    /// <summary>A run that somebody asked for, to its end.</summary>
    /// <exception cref="CollectionBusyException">Another such run is going on.</exception>
    /// <exception cref="IOException">The database can't be written; what was done until then is done.</exception>
    public async Task<CollectionFigures> RunAsync(CollectionRun run, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_askedAt is { } since)
                throw new CollectionBusyException(since);
            _askedAt = time.GetUtcNow();
            _ownRun?.Cancel();
        }
        try
        {
            await _turn.WaitAsync(cancellationToken);
            try
            {
                return await RunOnceAsync(run, cancellationToken);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            lock (_lock)
                _askedAt = null;
        }
    }

    /// <summary>Is a run that somebody asked for going on?</summary>
    public bool IsAsked
    {
        get
        {
            lock (_lock)
                return _askedAt is not null;
        }
    }

    /// <summary>What a run would take for due now.</summary>
    public CollectionTimes TimesOf(CollectionRun run)
    {
        var moment = time.Look();
        var (grace, lease) = ((long)terms.Collection.Grace.TotalMilliseconds, (long)terms.Collection.Lease.TotalMilliseconds);
        var reviews = new ReviewTimes(moment.NowMs, run.Emergency ? long.MaxValue : moment.AgoMs(grace), grace, lease) { Leaps = moment.Leaps };
        return new CollectionTimes(run.Emergency ? long.MaxValue : moment.AgoMs(terms.Trash.Keep), reviews);
    }

    public void Dispose() => _turn.Dispose();

    private async Task<CollectionFigures> RunOnceAsync(CollectionRun run, CancellationToken cancellationToken)
    {
        var started = time.GetUtcNow();
        var figures = new CollectionFigures();
        var removal = new BlobRemoval(stores, incidents, figures);
        // With short periods, or none, what one pass does makes more due; each further pass is a few lookups if it didn't.
        for (var before = -1L; before != figures.Changes;)
        {
            before = figures.Changes;
            await CreatePass(run, figures, removal).RunAsync(cancellationToken);
        }
        await NoteEndAsync(started, figures);
        return figures;
    }

    private CollectionPass CreatePass(CollectionRun run, CollectionFigures figures, BlobRemoval removal) => new(stores, incidents, figures, TimesOf(run))
    {
        Removal = removal,
        Pace = new CollectionPace(run.Emergency ? int.MaxValue : terms.Collection.MaxReviewsPerSecond, time),
        Progress = run.Progress,
        Now = () => TimesOf(run).Reviews,
    };

    private async Task NoteEndAsync(DateTimeOffset started, CollectionFigures figures)
    {
        var end = time.GetUtcNow();
        var check = new CheckRow(
            CheckName, started.ToUnixTimeMilliseconds(), end.ToUnixTimeMilliseconds(), "", JsonSerializer.Serialize(figures, CollectionJson.Default.CollectionFigures));
        await stores.Metadata.WriteAsync(check, static (db, check) => PutCheck(db, check), CancellationToken.None);
        CollectionMetrics.NoteEnd(end);
        if (_countedAt != 0 && figures.Changes == 0 && time.GetElapsedTime(_countedAt) < CountEvery)
            return;
        _countedAt = time.GetTimestamp();
        CollectionMetrics.Show(await stores.Metadata.ReadAsync(0, static (db, _) => QueueLengths.Read(db, null), CancellationToken.None));
    }

    private static bool PutCheck(MetadataSession db, CheckRow check)
    {
        Checks.Put(db, check);
        return true;
    }
}

/// <summary>The periods that the configuration sets.</summary>
internal sealed record CollectionTerms(CollectionOptions Collection, TrashOptions Trash);
