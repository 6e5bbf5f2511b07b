using System.Globalization;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Scrub;

/// <summary>
/// Compares the blob store with the database: what no row knows, though it has lain there for the grace, is adopted if its bytes are right, so
/// that the collection takes it or a push uses it, and goes to the quarantine if they are not. Also keeps the quarantine within its bound.
/// </summary>
internal sealed partial class UnknownFiles(ContentStores stores, TimeSpan grace, StoreChecks checks, ILogger<UnknownFiles> log)
{
    public const string Name = "unknown-files";

    /// <summary>From the end of one walk to the next: far shorter than any grace that is of use, far longer than a walk takes.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromHours(6);

    /// <summary>Of the files that the sweep may look at: each costs about four times as much here, and nothing waits for the end of a walk.</summary>
    public const int RateShare = 4;

    // Each costs a sync that pushes wait behind; what a restart looks at again is a matter of seconds.
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(15);

    // Evidence is of use for about as long as somebody may look into what happened.
    private static readonly TimeSpan QuarantineAge = TimeSpan.FromDays(30);
    private const long QuarantineBytes = 10L << 30;
    private const int QuarantineShare = 20; // a twentieth of the disk

    private const int PageRows = 500;

    // The subject of what is wrong with all of them together.
    private const string Store = "blobs";

    // So many files that the database doesn't know are left by no crash: the database is not the one that belongs to them.
    private const long AlwaysAdopted = 1000;
    private const int AdoptedShare = 10; // a tenth of what is known

    // Those that this walk found again; the incidents about all others have ended. Beyond the bound none is ended (P10).
    private const int MaxFound = 10_000;

    private readonly HashSet<string> _found = new(StringComparer.Ordinal);
    private readonly List<StoredName> _unknown = [];
    private CheckRow? _row;
    private long _unknownBefore;
    private string? _after;
    private long _savedAt;

    public required StoreTime Time { get; init; }

    public required Pace FilePace { get; init; }

    public required Pace BytePace { get; init; }

    /// <summary>Walks all files once; goes on where a walk was cut off.</summary>
    public async Task<UnknownFigures> RunAsync(CancellationToken cancellationToken)
    {
        // What lies in the wrong place is none of ours to take or to move.
        if (checks.Watch.IsAway())
            return new UnknownFigures();
        await BeginAsync(cancellationToken);
        var known = await stores.Metadata.ReadAsync(0, static (db, _) => BlobChecks.Count(db), cancellationToken);
        var bound = Math.Max(AlwaysAdopted, known / AdoptedShare);
        var figures = new UnknownFigures();
        var page = new List<StoredName>(PageRows);
        await foreach (var name in stores.Blobs.ListAsync(_after, cancellationToken))
        {
            page.Add(name);
            if (page.Count < PageRows)
                continue;
            figures = await LookAsync(page, bound, figures, cancellationToken);
            page.Clear();
        }
        figures = await LookAsync(page, bound, figures, cancellationToken);
        figures = await JudgeAsync(bound, figures, cancellationToken);
        await EndGoneAsync(cancellationToken);
        await TrimAsync(cancellationToken);
        await SaveAsync("", Time.GetUtcNow().ToUnixTimeMilliseconds(), figures, cancellationToken);
        ScrubMetrics.End(Name, Time.GetUtcNow());
        (_row, _after, _unknownBefore) = (null, null, 0);
        return figures;
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        _unknown.Clear();
        _found.Clear();
        var row = await stores.Metadata.ReadAsync(Name, static (db, name) => Checks.Find(db, name), cancellationToken)
            ?? new CheckRow(Name, 0, 0, "", "");
        // Of the part that was walked only the number is left; its files are seen again by the next walk.
        if (row.Position.Split(' ', 2) is [var count, var after] && long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var before))
            (_unknownBefore, _after, _row) = (before, after, row);
        else
            (_unknownBefore, _after, _row) = (0, null, row with { StartedAtMs = Time.GetUtcNow().ToUnixTimeMilliseconds() });
    }

    private async Task<UnknownFigures> LookAsync(List<StoredName> page, long bound, UnknownFigures figures, CancellationToken cancellationToken)
    {
        if (page.Count == 0)
            return figures;
        await FilePace.WaitAsync(page.Count, cancellationToken);
        var unknown = await stores.Metadata.ReadAsync(
            page, static (db, page) => page.Where(name => name.Digest.IsNone || !BlobChecks.Exists(db, name.Digest)).ToList(), cancellationToken);
        var oldest = DateTimeOffset.FromUnixTimeMilliseconds(Time.Look().AgoMs(grace));
        foreach (var name in unknown.Where(name => name.LastChange <= oldest))
        {
            if (name.Digest.IsNone)
            {
                figures = figures with { Foreign = figures.Foreign + 1 };
                Found(name.Name);
                await checks.Findings.ReportAsync(
                    IncidentKind.UnknownFile, name.Name, "it lies among the blobs and is none; it is left alone. Take it away, if you know what it is");
                continue;
            }
            figures = figures with { Unknown = figures.Unknown + 1 };
            if (_unknown.Count <= bound)
                _unknown.Add(name);
        }
        figures = figures with { Files = figures.Files + page.Count };
        if (Time.GetElapsedTime(_savedAt) >= SaveEvery)
            await SaveAsync(string.Create(CultureInfo.InvariantCulture, $"{_unknownBefore + figures.Unknown} {page[^1].Name}"), _row!.FinishedAtMs, figures, cancellationToken);
        return figures;
    }

    private async Task<UnknownFigures> JudgeAsync(long bound, UnknownFigures figures, CancellationToken cancellationToken)
    {
        var count = figures.Unknown + _unknownBefore;
        if (count > bound)
        {
            await checks.Findings.ReportAsync(
                IncidentKind.UnknownFile, Store,
                $"{count} blobs are stored that the database doesn't know, more than can be left over: it may be an older copy. Nothing of them is touched; "
                + "stop the server and run `holdfast rebuild`, which makes the database from the blobs and the journal");
            return figures;
        }
        // What the database lost with the journal is unknown, too, and taking it for left over would make a loss that could be mended one for good (P6).
        if (count > 0 && await stores.Metadata.ReadAsync(0, static (db, _) => IsJournalInDoubt(db), cancellationToken))
        {
            await checks.Findings.ReportAsync(
                IncidentKind.UnknownFile, Store,
                $"{Counted.Of(count, "blob")} that the database doesn't know lie in the store, and changes of it may be lost (see the incident about the journal). None "
                + "is touched until that incident is acknowledged; push the images that are missing again");
            return figures;
        }
        await checks.Findings.Incidents.HealAsync(IncidentKind.UnknownFile, Store, "check");
        foreach (var name in _unknown)
        {
            var (adopted, quarantined) = await JudgeAsync(name, cancellationToken);
            figures = figures with { Adopted = figures.Adopted + (adopted ? 1 : 0), Quarantined = figures.Quarantined + (quarantined ? 1 : 0) };
        }
        return figures;
    }

    private static bool IsJournalInDoubt(MetadataSession db) => Storage.Metadata.Incidents
        .List(db, new IncidentFilter(IncidentState.Open) { Kind = IncidentKind.Journal }, 100).Any(static incident => incident.AcknowledgedAtMs is null);

    private async Task<(bool Adopted, bool Quarantined)> JudgeAsync(StoredName name, CancellationToken cancellationToken)
    {
        var digest = name.Digest;
        try
        {
            // Hashed twice before it is believed to be wrong, as any blob; and not under the lock, where a push would have to wait for it.
            for (var read = 0; read < 2; read++)
            {
                await using var reader = await stores.Blobs.OpenForCheckAsync(digest, cancellationToken);
                if (reader is null)
                    return (false, false);
                var isRight = await BlobHash.ComputeAsync(reader, digest.Algorithm, BytePace.WaitAsync, cancellationToken) == digest;
                if (isRight || read == 1)
                    return await SettleAsync(new StoredBlob(digest, reader.SizeBytes, reader.Stamp), isRight, cancellationToken);
            }
        }
        catch (IOException e)
        {
            await checks.Findings.ReportUnreadableAsync(digest, e);
        }
        return (false, false);
    }

    private async Task<(bool Adopted, bool Quarantined)> SettleAsync(StoredBlob blob, bool isRight, CancellationToken cancellationToken)
    {
        using var holder = await stores.Locks.EnterAsync(blob.Digest, cancellationToken);
        // A push that failed after its rename leaves a name that may not be on the disk yet; a row for it would outlive it at a power cut.
        if (isRight)
            await stores.Blobs.SyncAsync(blob.Digest, cancellationToken);
        var isKnown = await stores.Metadata.ReadAsync(blob.Digest, static (db, digest) => BlobChecks.Exists(db, digest), cancellationToken);
        var status = await stores.Blobs.FindStatusAsync(blob.Digest, cancellationToken);
        if (isKnown || status?.Stamp != blob.Stamp)
            return (false, false);
        if (isRight)
        {
            var adopted = await stores.Metadata.WriteAsync(
                (blob, now: Time.GetUtcNow().ToUnixTimeMilliseconds()), static (db, s) => BlobChecks.Adopt(db, s.blob, s.now), CancellationToken.None);
            if (adopted is null)
                return (false, false);
            checks.Findings.Note(adopted);
            LogAdopted(log, blob.Digest, blob.SizeBytes);
            return (true, false);
        }
        var where = await stores.Blobs.QuarantineAsync(blob.Digest, Time.GetUtcNow(), CancellationToken.None);
        Found(blob.Digest.ToString());
        await checks.Findings.ReportAsync(
            IncidentKind.UnknownFile, blob.Digest.ToString(),
            $"its bytes ({blob.SizeBytes}) were no row's, and have another hash; they are kept in {where}. Nothing refers to them");
        return (false, true);
    }

    private void Found(string subject)
    {
        if (_found.Count <= MaxFound)
            _found.Add(subject);
    }

    // Somebody took it away; or it was moved to the quarantine by a walk before, and nothing of it is left to be seen to.
    private async Task EndGoneAsync(CancellationToken cancellationToken)
    {
        var book = checks.Findings.Incidents;
        if (_after is not null || _found.Count > MaxFound || book.Open.Of(IncidentKind.UnknownFile) == 0)
            return;
        var filter = new IncidentFilter(IncidentState.Open) { Kind = IncidentKind.UnknownFile };
        var open = await stores.Metadata.ReadAsync(filter, static (db, filter) => Storage.Metadata.Incidents.List(db, filter, 2 * MaxFound), cancellationToken);
        foreach (var incident in open.Where(incident => incident.Subject != Store && !_found.Contains(incident.Subject)))
            await book.HealAsync(IncidentKind.UnknownFile, incident.Subject, "check");
    }

    private async Task TrimAsync(CancellationToken cancellationToken)
    {
        var share = (stores.Blobs.MeasureSpace()?.TotalBytes ?? long.MaxValue) / QuarantineShare;
        // The store may keep evidence of itself there, such as a database before its rebuild: it ages like all else.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(Time.Look().AgoMs(QuarantineAge)) + QuarantineAge;
        var bound = new QuarantineBound(QuarantineAge, Math.Min(QuarantineBytes, share));
        foreach (var file in await stores.Blobs.TrimQuarantineAsync(bound, now, cancellationToken))
            LogTrimmed(log, file.Name, file.SizeBytes);
    }

    private Task<bool> SaveAsync(string position, long finishedAtMs, UnknownFigures figures, CancellationToken cancellationToken)
    {
        _savedAt = Time.GetTimestamp();
        return stores.Metadata.WriteAsync(
            _row! with { Position = position, FinishedAtMs = finishedAtMs, Detail = figures.Text() },
            static (db, row) =>
            {
                Checks.Put(db, row);
                return true;
            },
            cancellationToken);
    }

    [LoggerMessage(530, LogLevel.Information, "adopted blob {Digest} ({SizeBytes} bytes), which no row knew; the collection takes it unless a push uses it")]
    private static partial void LogAdopted(ILogger log, Digest digest, long sizeBytes);

    [LoggerMessage(531, LogLevel.Warning, "removed {File} ({SizeBytes} bytes) from the quarantine, which is beyond its age or size")]
    private static partial void LogTrimmed(ILogger log, string file, long sizeBytes);
}

/// <param name="Files">Walked, of the last part of a walk that was cut off.</param>
/// <param name="Unknown">Blobs past the grace that no row knows.</param>
/// <param name="Foreign">Names that are no blob's.</param>
internal readonly record struct UnknownFigures(long Files, long Unknown, long Adopted, long Quarantined, long Foreign)
{
    /// <summary>As JSON, for the check's row.</summary>
    public string Text() => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"files":{{Files}},"unknown":{{Unknown}},"adopted":{{Adopted}},"quarantined":{{Quarantined}},"foreign":{{Foreign}}}""");
}
