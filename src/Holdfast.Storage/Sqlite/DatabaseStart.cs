using System.Globalization;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;

namespace Holdfast.Storage.Sqlite;

/// <summary>Brings a data folder's database and journal together before anything uses them.</summary>
internal sealed class DatabaseStart(DataFolder folder, IBlobStore blobs, TimeProvider time)
{
    // A database is checked whole after an unclean end only if that is a matter of a tenth of a second.
    private const long MaxCheckedBytes = 64L << 20;

    private readonly DatabaseFiles _files = new(folder);
    private readonly long _nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();

    public StartFindings Findings { get; } = new();

    public async Task<JournalWriter> RunAsync(CancellationToken cancellationToken)
    {
        JournalFolder.RemoveUnfinished(folder.Journal);
        new JournalFolderFiles(folder.Journal).SyncEnd();
        _files.RemoveNew();
        var isDoubtful = SetForeignLogAside();
        var (position, damage) = _files.Exists ? Examine(isDoubtful) : (null, null);
        JournalTail? tail = null;
        if (position is not null)
            tail = JournalScan.TryFindTail(folder.Journal, position.Store, position.Sequence);
        if (tail is null)
            (position, tail) = await ReconcileAsync(position, damage, cancellationToken);
        Count();
        return JournalWriter.Open(folder.Journal, position!.Store, position.Sequence, tail);
    }

    // An older copy that was put back while the log of the newer one lies beside it: the copy is a database by itself, and the journal has the rest.
    private bool SetForeignLogAside()
    {
        if (_files.Exists && LogMatch.Belongs(_files.Main))
            return false;
        var isForeign = _files.Exists;
        if (isForeign)
            Findings.Warn("the write-ahead log beside holdfast.db belonged to another state of it (was an older copy put back?); the log was moved to the quarantine");
        _files.MoveLogAway(_nowMs);
        return isForeign;
    }

    private (JournalPosition? Position, SqliteException? Damage) Examine(bool isDoubtful)
    {
        var isUnclean = _files.HasLog;
        try
        {
            using var session = SqliteConnections.OpenWriter(_files.Main);
            SchemaMigrations.Run(session, SqlDialect.Sqlite);
            if (isDoubtful || (isUnclean && new FileInfo(_files.Main).Length < MaxCheckedBytes))
                Check(session);
            return (JournalPosition.Find(session), null);
        }
        catch (SqliteException e) when (DatabaseFiles.IsDamage(e))
        {
            return (null, e);
        }
    }

    // An older copy may have been made of a file that was just being written.
    private SqliteException? FindDamage()
    {
        try
        {
            using var session = SqliteConnections.OpenWriter(_files.Main);
            Check(session);
            return null;
        }
        catch (SqliteException e) when (DatabaseFiles.IsDamage(e))
        {
            return e;
        }
    }

    private static void Check(MetadataSession session)
    {
        using var rows = session.Prepare("PRAGMA quick_check(1)").Query();
        if (rows.Read() && rows.Text(0) is var found and not "ok")
            throw new SqliteException(found.ReplaceLineEndings(" "), SQLitePCL.raw.SQLITE_CORRUPT);
    }

    private async Task<(JournalPosition Position, JournalTail? Tail)> ReconcileAsync(
        JournalPosition? position, SqliteException? damage, CancellationToken cancellationToken)
    {
        var scan = JournalScan.Read(folder.Journal);
        if (position is not null)
            return await FollowAsync(position, scan, cancellationToken);
        if (scan.IsEmpty)
            return await BeginAsync(damage, cancellationToken);
        if (scan.IsWhole)
            return await RebuildAsync(scan, Why(damage), cancellationToken);
        if (_files.Exists && damage is null)
            return StartOver(new JournalPosition(JournalPosition.NewStore(), 1), $"the journal is damaged ({scan.Damage[0]}) and the database is of a program that had none");
        throw new JournalException($"{Why(damage)}, and the journal that could replace it is damaged: {string.Join("; ", scan.Damage)}. "
            + $"Put a backup of holdfast.db into {folder.Path}, or run `holdfast rebuild --data {folder.Path}`, which rebuilds the rest and lists what is lost");
    }

    private string Why(SqliteException? damage)
    {
        if (damage is not null)
            return $"holdfast.db is damaged ({damage.Message.ReplaceLineEndings(" ").TrimEnd('.')})";
        return _files.Exists ? "holdfast.db is a copy from before there was a journal" : $"holdfast.db is {_files.WhatIsWrong}";
    }

    // No journal: the database is new, or that of a program before the journal.
    private async Task<(JournalPosition, JournalTail?)> BeginAsync(SqliteException? damage, CancellationToken cancellationToken)
    {
        if (damage is not null)
            throw damage;
        if (!_files.Exists && await HasBlobsAsync(cancellationToken))
        {
            JournalFolder.RemoveIfEmpty(folder.Journal);
            throw new JournalException($"holdfast.db is {_files.WhatIsWrong} and there is no journal in {folder.Path}, but blobs are there: a new database would take every one of them "
                + $"for unknown, and the collection would remove them. Put a backup back, or run `holdfast rebuild --data {folder.Path} --without-journal` to begin with an empty one");
        }
        SqliteMetadataDatabase.CreateForOwner(_files.Main);
        using var session = SqliteConnections.OpenWriter(_files.Main);
        SchemaMigrations.Run(session, SqlDialect.Sqlite);
        var isNew = session.Prepare("SELECT id FROM repositories LIMIT 1").QueryLong() is null;
        var position = new JournalPosition(JournalPosition.NewStore(), isNew ? 0 : 1);
        if (!isNew)
            StateSnapshot.Write(session, folder.Journal, position.Store, position.Sequence);
        position.Put(session);
        return (position, null);
    }

    private async Task<bool> HasBlobsAsync(CancellationToken cancellationToken)
    {
        await foreach (var name in blobs.ListAsync(null, cancellationToken))
        {
            if (!name.Digest.IsNone)
                return true;
        }
        return false;
    }

    private async Task<(JournalPosition, JournalTail?)> FollowAsync(JournalPosition position, JournalScan scan, CancellationToken cancellationToken)
    {
        if (scan.IsEmpty && position.Sequence == 0)
            return (position, null);
        if (scan.IsEmpty)
            return StartOver(position, "the journal is missing");
        if (scan.Store != position.Store)
            return StartOver(position, "the journal is that of another store");
        if (scan.Last < position.Sequence)
            return StartOver(position, $"the journal ends at change {scan.Last}, and the database has come to change {position.Sequence}");
        if (scan.Last > position.Sequence && scan.SnapshotSequence > position.Sequence && scan.IsWhole)
            return await RebuildAsync(scan, $"holdfast.db is a copy from change {position.Sequence}, and the journal begins later", cancellationToken);
        if (scan.Last > position.Sequence && scan.IsWhole && !IsCrashTail(position, scan) && FindDamage() is { } damage)
            return await RebuildAsync(scan, Why(damage), cancellationToken);
        if (scan.Last > position.Sequence)
            position = await ReplayAsync(position, scan, cancellationToken);
        return scan.IsWhole ? (position, scan.Tail) : StartOver(position, string.Join("; ", scan.Damage));
    }

    private async Task<JournalPosition> ReplayAsync(JournalPosition position, JournalScan scan, CancellationToken cancellationToken)
    {
        var missing = scan.Last - position.Sequence;
        var isCrash = IsCrashTail(position, scan);
        if (!scan.IsWhole && (scan.SnapshotSequence > position.Sequence || scan.ReadChanges(position.Sequence).LongCount() != missing))
        {
            throw new JournalException($"holdfast.db is at change {position.Sequence}, the journal at {scan.Last}, and between them it is damaged: {string.Join("; ", scan.Damage)}. "
                + $"Put a newer backup of holdfast.db into {folder.Path}, or run `holdfast rebuild --data {folder.Path}`, which rebuilds the rest and lists what is lost");
        }
        using var session = SqliteConnections.OpenWriter(_files.Main);
        var rebuild = new Rebuild(session, blobs, scan);
        Findings.Replayed = await rebuild.ReplayAsync(position.Store, position.Sequence, cancellationToken);
        if (!isCrash)
        {
            // The collection may have taken files since the copy was made, whose rows the copy still has.
            var ends = new RebuildEnd(session, blobs);
            ends.Settle([], await ends.FindUnusedAsync(cancellationToken), [], _nowMs);
            Findings.Warn($"holdfast.db was {Counted.Of(missing, "change")} behind the journal (an older copy?); the journal made up for it");
        }
        foreach (var refused in rebuild.Refused)
            Findings.Warn($"a change of the journal could not be replayed: {refused}");
        foreach (var lost in LostManifests.List(session))
            Findings.Warn($"the bytes of a manifest that the journal names are missing: {lost.Digest} in {lost.Registry}/{lost.Repository.Name}");
        return position with { Sequence = scan.Last };
    }

    // What a crash can leave to replay is one batch, all of whose lines name its first. More comes from an older copy, of which nobody knows how old it
    // is: its leases and times of pulls are out of date.
    internal static bool IsCrashTail(JournalPosition position, JournalScan scan) =>
        scan.ReadChanges(position.Sequence).All(change => change.Batch <= position.Sequence + 1);

    // The database is the truth, and what of the journal is there is kept as evidence.
    private (JournalPosition, JournalTail?) StartOver(JournalPosition position, string because)
    {
        JournalFolder.MoveAway(folder.Journal, folder.Quarantine, _nowMs);
        using var session = SqliteConnections.OpenWriter(_files.Main);
        var own = position with { Sequence = Math.Max(position.Sequence, 1) };
        StateSnapshot.Write(session, folder.Journal, own.Store, own.Sequence);
        own.Put(session);
        Findings.Warn($"{because}; the database is whole, and a new journal was begun from it");
        return (own, null);
    }

    private async Task<(JournalPosition, JournalTail?)> RebuildAsync(JournalScan scan, string because, CancellationToken cancellationToken)
    {
        var rebuild = new DatabaseRebuild(folder, blobs, scan, _nowMs);
        Findings.Rebuilt = await rebuild.MakeAsync(progress: null, findUnknown: false, cancellationToken);
        var old = rebuild.Swap();
        var kept = old is null ? "" : $"; the old file is kept as quarantine/{Path.GetFileName(old)}";
        Findings.Warn(string.Create(
            CultureInfo.InvariantCulture,
            $"{because}; it was rebuilt from the journal: {Counted.Of(Findings.Rebuilt.Manifests, "manifest")} and {Counted.Of(Findings.Rebuilt.Tags, "tag")} in {Counted.Of(Findings.Rebuilt.Repositories, "repository", "repositories")}{kept}"));
        return (new JournalPosition(scan.Store!, scan.Last), scan.Tail);
    }

    // Once at every start too, so that a copy made before it is told from what is written after it; and what was found is put on record.
    private void Count()
    {
        using var session = SqliteConnections.OpenWriter(_files.Main);
        session.Prepare("BEGIN IMMEDIATE").Execute();
        var version = CommitVersion.Read(session);
        DatabaseRoom.Prepare(session);
        CommitVersion.Write(session, version == 0 ? CommitVersion.First() : CommitVersion.Next(version));
        if (Findings.Warnings.Count > 0)
            Incidents.Open(session, IncidentKind.Journal, "holdfast.db", string.Join("; ", Findings.Warnings), _nowMs);
        session.Prepare("COMMIT").Execute();
    }
}
