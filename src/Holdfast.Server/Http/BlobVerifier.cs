using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>
/// Says whether stored bytes may be served as they are (P4), hashes those of which that is not known, and takes wrong ones away. Pulls and scrub
/// both come here, so that a blob that both want is judged one way.
/// </summary>
internal sealed partial class BlobVerifier(ContentStores stores, ScrubOptions options, Findings findings, ILogger<BlobVerifier> log) : IAsyncDisposable
{
    private static readonly Meter Meter = new("Holdfast.Blobs");
    private static readonly Counter<long> PullChecks = Meter.CreateCounter<long>(
        "holdfast_blob_pull_checks_total", "{blob}", "Blobs hashed because somebody pulled them before the scrub came by, by outcome.");

    // A wrong hash is believed when the disk has said so twice; what changes while it is read is read again.
    private const int MaxReads = 4;

    // Pulls that wait for a hash share the disk and the cores with those that don't.
    private const int MaxAtOnce = 4;

    // What is read in one piece doesn't wait behind layers of gigabytes: after a rebuild nothing is verified, and no image starts without its config.
    private const int AtOnceBytes = 256 * 1024;

    private const int MaxKnownWrong = 10_000;

    // A clock that was set back leaves times that lie ahead. Up to here they are taken for what they say, because the stamp proves that nobody wrote
    // to the bytes since; beyond it nothing tells how old they are.
    private static readonly TimeSpan MaxAhead = TimeSpan.FromDays(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _slots = new(MaxAtOnce);
    private readonly ConcurrentDictionary<Digest, Lazy<Task<BlobCheck>>> _running = new();
    private readonly ConcurrentDictionary<Digest, byte> _suspects = new();

    // Wrong bytes that could not be taken away, by their stamp: on a store that can be read only they stay, and are never served. The rows know them,
    // too, unless the database can't be written either.
    private readonly ConcurrentDictionary<Digest, long> _wrong = new();

    public required TimeProvider Time { get; init; }

    public Findings Findings => findings;

    /// <summary>Renewals of rows that pulls have earned; written beside them.</summary>
    public required Renewals Renewals { get; init; }

    /// <summary>Rows that say a later time than this say nothing.</summary>
    public long LatestBelievedMs => (Time.GetUtcNow() + MaxAhead).ToUnixTimeMilliseconds();

    /// <summary>Were exactly these bytes hashed within the period?</summary>
    public bool Trusts(in VisibleBlob blob, BlobReader reader)
    {
        if (reader.Stamp != blob.Stamp || blob.VerifiedAtMs <= 0)
            return false;
        var now = Time.GetUtcNow();
        return blob.VerifiedAtMs > (now - options.Period).ToUnixTimeMilliseconds() && blob.VerifiedAtMs <= (now + MaxAhead).ToUnixTimeMilliseconds();
    }

    /// <summary>Are the bytes with this stamp known to be wrong, and still there because they could not be taken away? The row says so after a restart.</summary>
    public bool KnowsWrong(in VisibleBlob blob, long stamp) =>
        (blob.VerifiedAtMs == BlobChecks.KnownWrong && blob.Stamp == stamp) || (_wrong.TryGetValue(blob.Digest, out var wrong) && wrong == stamp);

    /// <summary>Is a check that a pull asked for under way, or just done?</summary>
    public bool IsChecking(Digest digest) => _running.ContainsKey(digest);

    /// <summary>Was a pull cut because of what it read, and is the blob being judged for that? Nobody is told that it is there before that is known.</summary>
    public bool IsSuspect(Digest digest) => _suspects.ContainsKey(digest);

    /// <summary>A pull read wrong or changed bytes: has the blob judged, beside the pull.</summary>
    public void Suspect(Digest digest)
    {
        if (_suspects.TryAdd(digest, 0))
            _ = JudgeAsync(digest);
    }

    /// <summary>
    /// Hashes the blob for pulls that need to know first: once for all that ask meanwhile, a few blobs at a time. It goes on when the one who asked
    /// leaves, for the next will ask again.
    /// </summary>
    public Task<BlobCheck> VerifyAsync(Digest digest) =>
        _running.GetOrAdd(digest, static (digest, verifier) => new(() => verifier.VerifySharedAsync(digest)), this).Value;

    /// <summary>The last answer is of no use: the bytes are others by now.</summary>
    public void Forget(Digest digest) => _running.TryRemove(digest, out _);

    /// <summary>
    /// Hashes the blob of a row, believing a wrong hash only when it was read twice, and notes what came of it: that it was right, with the next
    /// write of <see cref="Renewals"/>.
    /// </summary>
    /// <param name="pace">See <see cref="BlobHash.ComputeAsync"/>; whoever has one is not in a hurry, and flushes the renewals at its end.</param>
    public async Task<BlobCheck> CheckAsync(
        KnownBlob blob, Func<int, CancellationToken, ValueTask>? pace, CancellationToken cancellationToken)
    {
        var check = await HashAsync(blob, pace, cancellationToken);
        if (check.Verdict != BlobVerdict.Right)
            return check;
        var right = new StoredBlob(blob.Digest, blob.SizeBytes, check.Stamp);
        if (pace is null)
            _ = Renewals.Add(right, blob.Stamp);
        else
            Renewals.Gather(right, blob.Stamp);
        return check;
    }

    /// <summary>
    /// Reports a blob without a file, or with one of another size, after another look under its lock: the collection may just have removed it,
    /// or a push just be replacing it.
    /// </summary>
    /// <exception cref="IOException">Whether it is there is not known.</exception>
    public async Task<BlobCheck> NoteMissingAsync(Digest digest, CancellationToken cancellationToken)
    {
        using var holder = await stores.Locks.EnterAsync(digest, cancellationToken);
        var row = await stores.Metadata.ReadAsync(digest, static (db, digest) => BlobChecks.Find(db, digest), cancellationToken);
        var status = await stores.Blobs.FindStatusAsync(digest, cancellationToken);
        if (row is not { } known || status?.SizeBytes == known.SizeBytes)
            return new BlobCheck(BlobVerdict.Unsettled);
        if (known.Stamp != 0 || known.VerifiedAtMs != 0)
            await stores.Metadata.WriteAsync(known, static (db, known) => BlobChecks.NoteDoubt(db, known, 0), CancellationToken.None);
        // Wrong bytes that were taken away are missing as well; one incident tells of both.
        var told = await stores.Metadata.ReadAsync(
            digest.ToString(), static (db, subject) => Storage.Metadata.Incidents.IsOpen(db, IncidentKind.BlobCorrupt, subject), cancellationToken);
        if (told)
            return new BlobCheck(BlobVerdict.Missing);
        await findings.ReportAsync(
            known.IsManifest ? IncidentKind.ManifestCopy : IncidentKind.BlobMissing, digest.ToString(),
            status is { } found
                ? $"its file has {Counted.Of(found.SizeBytes, "byte")} instead of {known.SizeBytes}; it is answered 404 until its bytes are pushed again"
                : $"it has no file; it is answered 404 until its bytes ({known.SizeBytes}) are pushed again");
        return new BlobCheck(BlobVerdict.Missing);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var running in _running.Values)
            await ((Task)running.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Renewals.DisposeAsync();
        _slots.Dispose();
        _stopping.Dispose();
    }

    private async Task<BlobCheck> HashAsync(
        KnownBlob blob, Func<int, CancellationToken, ValueTask>? pace, CancellationToken cancellationToken)
    {
        try
        {
            var wrongBefore = 0L;
            for (var read = 0; read < MaxReads; read++)
            {
                await using var reader = await stores.Blobs.OpenForCheckAsync(blob.Digest, cancellationToken);
                if (reader is null || reader.SizeBytes != blob.SizeBytes)
                    return await NoteMissingAsync(blob.Digest, cancellationToken);
                var isRight = await BlobHash.ComputeAsync(reader, blob.Digest.Algorithm, pace, cancellationToken) == blob.Digest;
                if (await reader.WasChangedAsync(cancellationToken))
                    continue;
                if (isRight)
                {
                    _wrong.TryRemove(blob.Digest, out _);
                    return new BlobCheck(BlobVerdict.Right, reader.Stamp);
                }
                if (wrongBefore == reader.Stamp && await TakeAwayAsync(blob, reader.Stamp, cancellationToken))
                    return new BlobCheck(BlobVerdict.Corrupt);
                LogWrong(log, blob.Digest);
                wrongBefore = reader.Stamp;
            }
            return new BlobCheck(BlobVerdict.Unsettled);
        }
        catch (IOException e)
        {
            await NoteUnreadableAsync(blob, e);
            return new BlobCheck(BlobVerdict.Unreadable);
        }
    }

    private async Task<BlobCheck> VerifySharedAsync(Digest digest)
    {
        var written = Task.CompletedTask;
        try
        {
            await Task.Yield(); // Not before the dictionary knows of it.
            var row = await stores.Metadata.ReadAsync(digest, static (db, digest) => BlobChecks.Find(db, digest), _stopping.Token);
            if (row is not { } blob)
                return new BlobCheck(BlobVerdict.Missing);
            var check = blob.SizeBytes <= AtOnceBytes ? await HashAsync(blob, pace: null, _stopping.Token) : await HashInTurnAsync(blob);
            if (check.Verdict == BlobVerdict.Right)
                written = Renewals.Add(new StoredBlob(digest, blob.SizeBytes, check.Stamp), blob.Stamp);
            PullChecks.Add(1, new KeyValuePair<string, object?>("outcome", check.Verdict.Name()));
            return check;
        }
        finally
        {
            _ = ForgetAfterAsync(digest, written);
        }
    }

    private async Task<BlobCheck> HashInTurnAsync(KnownBlob blob)
    {
        await _slots.WaitAsync(_stopping.Token);
        try
        {
            return await HashAsync(blob, pace: null, _stopping.Token);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task JudgeAsync(Digest digest)
    {
        // What an earlier check found is no answer to what was read since.
        Forget(digest);
        await ((Task)VerifyAsync(digest)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _suspects.TryRemove(digest, out _);
    }

    // Those who ask between the hash and the row that tells of it get this answer, and don't hash again.
    private async Task ForgetAfterAsync(Digest digest, Task written)
    {
        await written.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Forget(digest);
    }

    // Under the lock, and only if the file is still the one that was hashed: a push may have put right bytes in its place.
    private async Task<bool> TakeAwayAsync(KnownBlob blob, long stamp, CancellationToken cancellationToken)
    {
        using var holder = await stores.Locks.EnterAsync(blob.Digest, cancellationToken);
        if (await stores.Blobs.FindStatusAsync(blob.Digest, cancellationToken) is not { } status || status.Stamp != stamp)
            return false;
        if (_wrong.Count >= MaxKnownWrong)
            _wrong.Clear();
        _wrong[blob.Digest] = stamp;
        string where;
        var isGone = true;
        try
        {
            where = "they are kept in " + await stores.Blobs.QuarantineAsync(blob.Digest, Time.GetUtcNow(), CancellationToken.None);
            _wrong.TryRemove(blob.Digest, out _);
        }
        catch (IOException e)
        {
            where = $"they could not be taken away ({e.Message}) and are not served";
            isGone = false;
        }
        var row = await stores.Metadata.ReadAsync(blob.Digest, static (db, digest) => BlobChecks.Find(db, digest), CancellationToken.None);
        if (row is { } known)
        {
            await stores.Metadata.WriteAsync(
                (known, stamp, isGone),
                static (db, s) => s.isGone ? BlobChecks.NoteDoubt(db, s.known, 0) : BlobChecks.NoteWrong(db, s.known, s.stamp),
                CancellationToken.None);
        }
        await findings.ReportAsync(
            blob.IsManifest ? IncidentKind.ManifestCopy : IncidentKind.BlobCorrupt, blob.Digest.ToString(),
            $"its bytes ({blob.SizeBytes}) have another hash; {where}; it is answered 404 until its bytes are pushed again");
        return true;
    }

    // In doubt from now on, with the stamp of what could not be read: the sweep then sees nothing new in it, and only the walk tries again.
    private async Task NoteUnreadableAsync(KnownBlob blob, IOException cause)
    {
        await findings.ReportUnreadableAsync(blob.Digest, cause);
        try
        {
            var stamp = (await stores.Blobs.FindStatusAsync(blob.Digest, CancellationToken.None))?.Stamp ?? 0;
            await stores.Metadata.WriteAsync((blob, stamp), static (db, s) => BlobChecks.NoteDoubt(db, s.blob, s.stamp), CancellationToken.None);
        }
        catch (IOException)
        {
            // Not even that can be asked; the row stays as it is, and its stamp proves nothing without a file that has it.
        }
    }

    [LoggerMessage(520, LogLevel.Warning, "blob {Digest} was read with a wrong hash; reading it again from the disk")]
    private static partial void LogWrong(ILogger log, Digest digest);
}
