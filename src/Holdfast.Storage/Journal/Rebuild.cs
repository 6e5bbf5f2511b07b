using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;

namespace Holdfast.Storage.Journal;

/// <summary>Makes a database's rows from the journal and the blobs: all of them, or those of the changes that it has not seen.</summary>
internal sealed class Rebuild(MetadataSession session, IBlobStore blobs, JournalScan scan, Action<long>? progress = null)
{
    // One transaction; its manifests' bytes are in memory.
    private const int ChangesPerCommit = 500;

    private long _latestMs;
    private readonly List<string> _refused = [];
    private long _changes;

    /// <summary>Fills an empty database.</summary>
    public async Task<RebuildReport> RunAsync(string store, long nowMs, CancellationToken cancellationToken)
    {
        foreach (var rows in scan.ReadSnapshot())
            await ApplyAsync([new JournalRecord { Events = rows }], new JournalPosition(store, scan.SnapshotSequence), cancellationToken);
        await ReplayAsync(store, 0, cancellationToken);
        var ends = new RebuildEnd(session, blobs);
        InTransaction(() => new JournalPosition(store, scan.Last).Put(session));
        await PutFoundAsync(cancellationToken);
        var missing = await ends.FindMissingAsync(cancellationToken);
        var unseen = await ends.FindUnusedAsync(cancellationToken);
        InTransaction(() =>
        {
            ends.Settle(missing, unseen, scan.Damage, nowMs);
            // Where the store's time leapt is in no line. So nothing counts as older than the latest change: what lies in the trash stays for longer, at most.
            if (_latestMs > 0)
                ClockRows.Put(session, _latestMs, ClockLeaps.None.With(new ClockLeap(0, _latestMs)));
        });
        return ends.Count() with
        {
            Changes = _changes,
            LostManifests = LostManifests.List(session),
            MissingBlobs = missing,
            Damage = scan.Damage,
            Refused = _refused,
        };
    }

    /// <summary>Applies the changes after one.</summary>
    /// <returns>How many; those that the database refused are in <see cref="Refused"/>.</returns>
    public async Task<long> ReplayAsync(string store, long after, CancellationToken cancellationToken)
    {
        foreach (var changes in scan.ReadChanges(after).Chunk(ChangesPerCommit))
        {
            await ApplyAsync(changes, new JournalPosition(store, changes[^1].Sequence), cancellationToken);
            _changes += changes.Length;
            progress?.Invoke(_changes);
        }
        return _changes;
    }

    public IReadOnlyList<string> Refused => _refused;

    private async Task ApplyAsync(JournalRecord[] changes, JournalPosition position, CancellationToken cancellationToken)
    {
        foreach (var named in changes.SelectMany(change => change.Events!))
            _latestMs = Math.Max(_latestMs, named.Event.AtMs);
        var digests = changes.SelectMany(change => change.Events!)
            .Where(named => named.Event.Operation is JournalOperation.Manifest or JournalOperation.Tag).Select(named => named.Event.Digest);
        var payloads = await ManifestPayloads.ReadAsync(blobs, digests, cancellationToken);
        InTransaction(() =>
        {
            var replay = new Replay(session, payloads);
            foreach (var change in changes)
                replay.Apply(change.Events!);
            _refused.AddRange(replay.Refused);
            position.Put(session);
        });
    }

    // A manifest may have been put before what it needs, where lines between were lost; by now that may be there.
    private async Task PutFoundAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var found = 0;
            foreach (var lost in LostManifests.List(session))
            {
                if (await ManifestPayloads.TryReadAsync(blobs, lost.Digest, cancellationToken) is not { } bytes)
                    continue;
                var payloads = new Dictionary<Digest, ManifestBytes> { [lost.Digest] = bytes };
                InTransaction(() =>
                {
                    var put = new JournalEvent(JournalOperation.Manifest, lost.Repository, lost.Digest, lost.PushedAtMs)
                    {
                        MediaType = lost.MediaType,
                        SizeBytes = bytes.Payload.Length,
                    };
                    if (new Replay(session, payloads).PutManifest(put))
                        found++;
                    session.TakeEvents();
                });
            }
            if (found == 0)
                return;
        }
    }

    private void InTransaction(Action change)
    {
        session.Prepare("BEGIN IMMEDIATE").Execute();
        try
        {
            change();
            CommitVersion.CountUp(session);
            session.Prepare("COMMIT").Execute();
        }
        catch
        {
            session.Prepare("ROLLBACK").Execute();
            throw;
        }
    }
}
