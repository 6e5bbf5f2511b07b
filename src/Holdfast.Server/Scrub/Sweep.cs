using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>
/// Looks at the presence, size and stamp of every blob's file, without reading it. What is missing is an incident at once; what somebody may have
/// changed is hashed next.
/// </summary>
internal sealed class Sweep(ContentStores stores, ScrubOptions options, StoreChecks checks, TimeProvider time)
{
    public const string Name = "sweep";

    // Short bursts: a request that comes in one waits for it.
    private const int PageRows = 200;

    private readonly Pace _pace = new(options.MaxFilesPerSecond, time);
    private long _startedAt;

    public Suspects Suspects { get; } = new();

    /// <summary>What the last sweep came to; null before the first.</summary>
    public SweepFigures? Last { get; private set; }

    /// <summary>
    /// Runs if it is time: from start to start a little less than the interval, so that nothing is missing for longer than that without being found.
    /// A sweep that takes longer follows the one before at once.
    /// </summary>
    public Task RunIfDueAsync(CancellationToken cancellationToken) =>
        _startedAt == 0 || time.GetElapsedTime(_startedAt) >= options.SweepInterval * 0.9 ? RunAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Sweeps all blobs once; none, or not all, if the store is away.</summary>
    public async Task<SweepFigures> RunAsync(CancellationToken cancellationToken)
    {
        var before = _startedAt;
        _startedAt = time.GetTimestamp();
        var started = time.GetUtcNow();
        var figures = new SweepFigures { Period = before == 0 ? TimeSpan.Zero : time.GetElapsedTime(before, _startedAt) };
        var last = 0L;
        while (true)
        {
            if (checks.Watch.IsAway())
                return figures;
            var page = await stores.Metadata.ReadAsync(
                last, static (db, last) => BlobChecks.ListById(db, last, PageRows), cancellationToken);
            if (page.Count == 0)
                break;
            await _pace.WaitAsync(page.Count, cancellationToken);
            try
            {
                figures = await LookAsync(page, figures, cancellationToken);
            }
            catch (StoreAwayException)
            {
                continue; // Looked at again, if it is back by then.
            }
            last = page[^1].Id;
        }
        figures = figures with { Took = time.GetElapsedTime(_startedAt) };
        ScrubMetrics.EndSweep(figures.Files, figures.Took);
        ScrubMetrics.End(Name, time.GetUtcNow());
        ScrubMetrics.NoteOldest(await stores.Metadata.ReadAsync(0, static (db, _) => BlobChecks.FindOldest(db), cancellationToken));
        Last = figures;
        await stores.Metadata.WriteAsync(
            new CheckRow(Name, started.ToUnixTimeMilliseconds(), time.GetUtcNow().ToUnixTimeMilliseconds(), "", figures.Text()),
            static (db, row) =>
            {
                Checks.Put(db, row);
                return true;
            },
            cancellationToken);
        return figures;
    }

    private async Task<SweepFigures> LookAsync(IReadOnlyList<KnownBlob> page, SweepFigures figures, CancellationToken cancellationToken)
    {
        var changed = new List<(KnownBlob Blob, long Stamp)>();
        var (missing, unreadable) = (0L, 0L);
        foreach (var blob in page)
        {
            try
            {
                var status = await stores.Blobs.FindStatusAsync(blob.Digest, cancellationToken);
                if (status?.SizeBytes != blob.SizeBytes)
                    missing += await NoteMissingAsync(blob, cancellationToken) ? 1 : 0;
                else if (status?.Stamp is { } stamp && stamp != blob.Stamp)
                    changed.Add((blob, stamp));
            }
            catch (IOException e) when (e is not StoreAwayException)
            {
                unreadable++;
                await checks.Findings.ReportUnreadableAsync(blob.Digest, e);
            }
        }
        if (changed.Count > 0)
            await DoubtAsync(changed);
        return figures with
        {
            Files = figures.Files + page.Count,
            Missing = figures.Missing + missing,
            Changed = figures.Changed + changed.Count,
            Unreadable = figures.Unreadable + unreadable,
        };
    }

    private async Task<bool> NoteMissingAsync(KnownBlob blob, CancellationToken cancellationToken)
    {
        if (blob.IsManifest)
            return (await checks.Copies.MendAsync(blob.Digest, cancellationToken)).Verdict is BlobVerdict.Missing;
        // Known since an earlier sweep: nothing new is to be learnt, and nothing to be locked for it.
        var subject = blob.Digest.ToString();
        var isKnown = blob.Stamp == 0 && blob.VerifiedAtMs == 0
            && (checks.Findings.WasReportedLately(IncidentKind.BlobMissing, subject) || checks.Findings.WasReportedLately(IncidentKind.BlobCorrupt, subject));
        return isKnown || (await checks.Verifier.NoteMissingAsync(blob.Digest, cancellationToken)).Verdict == BlobVerdict.Missing;
    }

    // In the row too, so that neither a restart nor a full queue forgets it. A push that came in between has set the row right, and is left alone.
    private async Task DoubtAsync(List<(KnownBlob Blob, long Stamp)> changed)
    {
        var doubted = await stores.Metadata.WriteAsync(
            changed,
            static (db, changed) => changed.Where(c => BlobChecks.NoteDoubt(db, c.Blob, c.Stamp)).ToList(),
            CancellationToken.None);
        foreach (var (blob, stamp) in doubted)
            Suspects.Add(blob with { Stamp = stamp, VerifiedAtMs = 0 });
    }
}

/// <param name="Files">Looked at.</param>
/// <param name="Missing">Without a file, or with one of another size.</param>
/// <param name="Changed">Possibly changed from outside since they were last hashed.</param>
/// <param name="Period">From the start of the sweep before to the start of this one; zero for the first.</param>
internal readonly record struct SweepFigures(long Files, long Missing, long Changed, long Unreadable, TimeSpan Took, TimeSpan Period)
{
    /// <summary>As JSON, for the check's row.</summary>
    public string Text() => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"files":{{Files}},"missing":{{Missing}},"changed":{{Changed}},"unreadable":{{Unreadable}},"seconds":{{Took.TotalSeconds:0.###}},"periodSeconds":{{Period.TotalSeconds:0.###}}}""");
}
