using System.Collections.Concurrent;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Heal;

/// <summary>
/// Gets right bytes for damaged ones: from the other copy of a manifest, then from the donors in their order; at once, then with growing pauses.
/// The open incidents are its queue, so that a restart goes on with it. The quarantine is never a source.
/// </summary>
internal sealed class Healer(ContentStores stores, BytesSource source, StoreChecks checks, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Heals at once; each reads from a donor and writes to our disk.</summary>
    public const int MaxAtOnce = 2;

    /// <summary>From one look at the queue to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan[] Pauses =
        [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(6)];

    private static readonly IncidentKind[] Kinds =
        [IncidentKind.BlobMissing, IncidentKind.BlobCorrupt, IncidentKind.ManifestMissing, IncidentKind.ManifestCopy, IncidentKind.StoreUnreadable];

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _slots = new(MaxAtOnce);
    private readonly SemaphoreSlim _taking = new(1);
    private readonly ConcurrentDictionary<string, byte> _taken = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Digest, Lazy<Task<HealAttempt>>> _running = new();

    /// <summary>A restart may have brought a donor, so nothing waits for its pause to end.</summary>
    public Task BeginAsync(CancellationToken cancellationToken) =>
        stores.Metadata.WriteAsync(0, static (db, _) => Storage.Metadata.Incidents.ResetTries(db), cancellationToken);

    /// <summary>Works off what is due. Several may run beside each other.</summary>
    public async Task RunDueAsync(CancellationToken cancellationToken)
    {
        // What was healed into the wrong place would be hidden when the right one is back.
        if (Kinds.All(kind => checks.Findings.Incidents.Open.Of(kind) == 0) || checks.Watch.IsAway())
            return;
        while (Kinds.Any(kind => checks.Findings.Incidents.Open.Of(kind) > 0) && await TakeDueAsync(cancellationToken) is { } next)
        {
            try
            {
                await TryAsync(next, cancellationToken);
            }
            finally
            {
                _taken.TryRemove(next.Subject, out _);
            }
        }
    }

    /// <summary>Open incidents whose bytes could be had, whether or not they are due.</summary>
    public ValueTask<IReadOnlyList<Incident>> ListAsync(int limit, CancellationToken cancellationToken) => stores.Metadata.ReadAsync(
        limit, static (db, limit) => Storage.Metadata.Incidents.ListDue(db, long.MaxValue, limit), cancellationToken);

    /// <summary>Tries to heal one now, together with whoever tries just then.</summary>
    public async Task<HealAttempt> TryAsync(Incident incident, CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(incident.Subject, out var digest))
            return await PauseAsync(incident, HealAttempt.Failed("it does not name bytes"), cancellationToken);
        var attempt = await _running.GetOrAdd(digest, _ => new(() => HealSharedAsync(digest, _stopping.Token))).Value.WaitAsync(cancellationToken);
        return attempt.By is null ? await PauseAsync(incident, attempt, cancellationToken) : attempt;
    }

    /// <summary>Ends what still runs, and the donors' connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var running in _running.Values)
            await ((Task)running.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        source.Dispose();
        _slots.Dispose();
        _taking.Dispose();
        _stopping.Dispose();
    }

    // Goes on when the one who asked leaves: another may wait for it too, and what it fetched is wanted.
    private async Task<HealAttempt> HealSharedAsync(Digest digest, CancellationToken cancellationToken)
    {
        await Task.Yield(); // Not before the dictionary knows of it.
        try
        {
            await _slots.WaitAsync(cancellationToken);
            try
            {
                return await HealAsync(digest, cancellationToken);
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            _running.TryRemove(digest, out _);
        }
    }

    private async Task<HealAttempt> HealAsync(Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            var row = await stores.Metadata.ReadAsync(digest, static (db, digest) => BlobChecks.Find(db, digest), cancellationToken);
            if (row is not { } blob)
                return await EndUnneededAsync(digest, cancellationToken);
            return await MendOwnAsync(blob, cancellationToken) ?? await source.FetchAsync(blob, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return HealAttempt.Failed($"it could not be done here: {e.Message}");
        }
    }

    // The other copy of a manifest; and bytes that somebody put back by hand, which are right only if their hash says so.
    private async Task<HealAttempt?> MendOwnAsync(KnownBlob blob, CancellationToken cancellationToken)
    {
        if (blob.IsManifest)
        {
            var mended = await checks.Copies.MendAsync(blob.Digest, cancellationToken);
            return mended.Verdict == BlobVerdict.Right ? HealAttempt.Healed("its other copy") : null;
        }
        if (!await MayBeBackAsync(blob, cancellationToken))
            return null;
        var check = await checks.Verifier.CheckAsync(blob, pace: null, cancellationToken);
        if (check.Verdict != BlobVerdict.Right)
            return null;
        using var holder = await stores.Locks.EnterAsync(blob.Digest, cancellationToken);
        var status = await stores.Blobs.FindStatusAsync(blob.Digest, cancellationToken);
        if (status?.Stamp != check.Stamp)
            return null;
        var healed = await stores.Metadata.WriteAsync(
            (stored: new StoredBlob(blob.Digest, blob.SizeBytes, check.Stamp), now: Now()),
            static (db, s) => BlobRows.Renew(db, s.stored, "check", s.now),
            CancellationToken.None);
        checks.Findings.Note(healed ?? []);
        return HealAttempt.Healed("check");
    }

    // A folder or a link in its place can't even be looked at as a file: that is for the donors to mend, too.
    private async ValueTask<bool> MayBeBackAsync(KnownBlob blob, CancellationToken cancellationToken)
    {
        try
        {
            return (await stores.Blobs.FindStatusAsync(blob.Digest, cancellationToken))?.SizeBytes == blob.SizeBytes;
        }
        catch (IOException)
        {
            return false;
        }
    }

    // The collection took the row meanwhile: nothing refers to the bytes, so nothing is missing.
    private async Task<HealAttempt> EndUnneededAsync(Digest digest, CancellationToken cancellationToken)
    {
        using var holder = await stores.Locks.EnterAsync(digest, cancellationToken);
        var healed = await stores.Metadata.WriteAsync(
            (digest, now: Now()),
            static (db, s) => BlobChecks.Exists(db, s.digest) ? null : Storage.Metadata.Incidents.Heal(db, s.digest.ToString(), "collection", s.now),
            CancellationToken.None);
        checks.Findings.Note(healed ?? []);
        return healed is null ? HealAttempt.Failed("the collection is removing it") : HealAttempt.Healed("collection");
    }

    // One looks at a time, and what he takes stays his until its next try is written down: else two would try one thing after the other.
    private async Task<Incident?> TakeDueAsync(CancellationToken cancellationToken)
    {
        await _taking.WaitAsync(cancellationToken);
        try
        {
            var due = await stores.Metadata.ReadAsync(
                Now(), static (db, now) => Storage.Metadata.Incidents.ListDue(db, now, MaxAtOnce * 4), cancellationToken);
            return due.FirstOrDefault(incident => _taken.TryAdd(incident.Subject, 0));
        }
        finally
        {
            _taking.Release();
        }
    }

    private async Task<HealAttempt> PauseAsync(Incident incident, HealAttempt attempt, CancellationToken cancellationToken)
    {
        var now = Now();
        var pause = Pauses[Math.Min(incident.Tries, Pauses.Length - 1)];
        await stores.Metadata.WriteAsync(
            (incident.Id, attempt.Tried, next: now + (long)pause.TotalMilliseconds, now),
            static (db, s) =>
            {
                Storage.Metadata.Incidents.NoteTry(db, s.Id, s.Tried, s.next, s.now);
                return true;
            },
            cancellationToken);
        return attempt;
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <param name="By">What healed it; null: it is not healed.</param>
/// <param name="Tried">What was met on the way, for people.</param>
internal sealed record HealAttempt(string? By, string Tried)
{
    public static HealAttempt Healed(string by) => new(by, "");

    public static HealAttempt Failed(string why) => new(null, why);
}
