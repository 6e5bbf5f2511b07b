using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>
/// Reads every stored byte once in half of <c>scrub.period</c>, those longest ago first, so that what is pulled was nearly always hashed within the
/// period. Suspects come before all others. Where it stands is in the rows themselves and in the check's position: a restart goes on there.
/// </summary>
internal sealed class HashWalk(ContentStores stores, ScrubOptions options, Inspection inspection, Suspects suspects)
{
    public const string Name = "scrub";

    private const int PageRows = 200;

    // Those in doubt that still can't be read are tried again with each round, and rounds don't follow each other faster than this.
    private static readonly TimeSpan MinRound = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(15);

    private readonly Queue<KnownBlob> _page = new();
    private Pace? _pace;
    private Pace? _filePace;
    private bool _isRestored;
    private CheckRow _row = new(Name, 0, 0, "", "");
    private WalkPosition _position = WalkPosition.Start;
    private WalkFigures _figures;
    private bool _isRound;
    private long _roundBeganAt;
    private long _savedAt;

    public required TimeProvider Time { get; init; }

    public required BlobVerifier Verifier { get; init; }

    public required StoreWatch Watch { get; init; }

    public WalkFigures Figures => _figures;

    public bool IsRunning => _isRound;

    public async Task RunIfDueAsync(CancellationToken cancellationToken)
    {
        await RestoreAsync(cancellationToken);
        var shortest = TimeSpan.FromTicks(Math.Min(MinRound.Ticks, options.Period.Ticks / 20));
        var isDue = _isRound || _roundBeganAt == 0 || Time.GetElapsedTime(_roundBeganAt) >= shortest;
        if (isDue)
            await RunAsync(cancellationToken);
        else
            await RunSuspectsAsync(cancellationToken);
    }

    /// <summary>One round: everything that is due, and the suspects.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!Watch.IsAway() && await StepAsync(cancellationToken))
        {
        }
    }

    /// <summary>Checks one blob.</summary>
    /// <returns>False if nothing was left to check: the round has ended.</returns>
    public async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await RestoreAsync(cancellationToken);
        if (suspects.TryTake(out var suspect))
        {
            await InspectAsync(suspect, cancellationToken);
            return true;
        }
        if (!_isRound)
            await BeginAsync(cancellationToken);
        if (_page.Count == 0 && !await ReadPageAsync(cancellationToken))
        {
            await EndAsync(cancellationToken);
            return false;
        }
        var blob = _page.Peek();
        await InspectAsync(blob, cancellationToken);
        _page.Dequeue();
        _position = new WalkPosition(blob.VerifiedAtMs, blob.Id);
        if (Time.GetElapsedTime(_savedAt) >= SaveEvery)
            await SaveAsync(cancellationToken);
        return true;
    }

    private async Task RunSuspectsAsync(CancellationToken cancellationToken)
    {
        while (!Watch.IsAway() && suspects.TryTake(out var suspect))
            await InspectAsync(suspect, cancellationToken);
        await Verifier.Renewals.FlushAsync();
    }

    private async Task InspectAsync(KnownBlob blob, CancellationToken cancellationToken)
    {
        _pace ??= new Pace(options.BytesPerSecond, Time);
        _filePace ??= new Pace(options.MaxReadsPerSecond, Time);
        await _filePace.WaitAsync(1, cancellationToken);
        var verdict = await inspection.RunAsync(blob, _pace, cancellationToken);
        _figures = _figures with
        {
            Blobs = _figures.Blobs + 1,
            Bytes = _figures.Bytes + blob.SizeBytes,
            Findings = _figures.Findings + (verdict is BlobVerdict.Right or BlobVerdict.Unsettled ? 0 : 1),
        };
    }

    private async Task RestoreAsync(CancellationToken cancellationToken)
    {
        if (_isRestored)
            return;
        _row = await stores.Metadata.ReadAsync(Name, static (db, name) => Checks.Find(db, name), cancellationToken) ?? _row;
        if (WalkPositions.TryParse(_row.Position, out var position))
            (_position, _isRound) = (position, true);
        _isRestored = true;
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        _roundBeganAt = Time.GetTimestamp();
        _figures = default;
        _position = WalkPosition.Start;
        _isRound = true;
        _row = _row with { StartedAtMs = Time.GetUtcNow().ToUnixTimeMilliseconds() };
        await stores.Metadata.WriteAsync(
            Verifier.LatestBelievedMs, static (db, latest) => BlobChecks.DoubtFuture(db, latest), cancellationToken);
        await SaveAsync(cancellationToken);
    }

    private async Task<bool> ReadPageAsync(CancellationToken cancellationToken)
    {
        await Verifier.Renewals.FlushAsync();
        var due = (Time.GetUtcNow() - (options.Period / 2)).ToUnixTimeMilliseconds();
        var page = await stores.Metadata.ReadAsync(
            (_position, due), static (db, s) => BlobChecks.ListLeastVerified(db, s._position, s.due, PageRows), cancellationToken);
        foreach (var blob in page)
            _page.Enqueue(blob);
        return page.Count > 0;
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        _isRound = false;
        ScrubMetrics.End(Name, Time.GetUtcNow());
        _row = _row with { FinishedAtMs = Time.GetUtcNow().ToUnixTimeMilliseconds() };
        await SaveAsync(cancellationToken);
    }

    private Task<bool> SaveAsync(CancellationToken cancellationToken)
    {
        _savedAt = Time.GetTimestamp();
        _row = _row with { Position = _isRound ? WalkPositions.Text(_position) : "", Detail = _figures.Text() };
        return stores.Metadata.WriteAsync(
            _row,
            static (db, row) =>
            {
                Checks.Put(db, row);
                return true;
            },
            cancellationToken);
    }
}

/// <summary>Of the round that runs, or of the last one.</summary>
/// <param name="Findings">Blobs that were not right.</param>
internal readonly record struct WalkFigures(long Blobs, long Bytes, long Findings)
{
    /// <summary>As JSON, for the check's row.</summary>
    public string Text() => string.Create(
        CultureInfo.InvariantCulture, $$"""{"blobs":{{Blobs}},"bytes":{{Bytes}},"findings":{{Findings}}}""");
}

/// <summary>A walk's position as the check's row keeps it.</summary>
internal static class WalkPositions
{
    public static string Text(WalkPosition position) => string.Create(CultureInfo.InvariantCulture, $"{position.VerifiedAtMs}:{position.Id}");

    public static bool TryParse(string text, out WalkPosition position)
    {
        position = default;
        var parts = text.Split(':');
        if (parts.Length != 2 || !long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var at)
            || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return false;
        position = new WalkPosition(at, id);
        return true;
    }
}
