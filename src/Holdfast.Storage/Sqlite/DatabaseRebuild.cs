using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>Makes the database of a data folder anew from its journal and blobs, beside the one that is there, and puts it in that one's place.</summary>
public sealed class DatabaseRebuild
{
    private readonly DataFolder _folder;
    private readonly IBlobStore _blobs;
    private readonly JournalScan _scan;
    private readonly DatabaseFiles _files;
    private readonly long _nowMs;

    internal DatabaseRebuild(DataFolder folder, IBlobStore blobs, JournalScan scan, long nowMs)
    {
        (_folder, _blobs, _scan, _nowMs) = (folder, blobs, scan, nowMs);
        _files = new DatabaseFiles(folder);
    }

    /// <summary>Reads the journal of a folder that is held by the caller alone.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    public static DatabaseRebuild Read(DataFolder folder, IBlobStore blobs, TimeProvider time)
    {
        JournalFolder.RemoveUnfinished(folder.Journal);
        return new DatabaseRebuild(folder, blobs, JournalScan.Read(folder.Journal), time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    /// <summary>Is there a journal in a data folder, which needn't be held?</summary>
    public static bool HasJournal(string path) => !JournalFolder.IsEmpty(DataFolder.JournalOf(path));

    /// <summary>There is none.</summary>
    public bool HasNoJournal => _scan.IsEmpty;

    /// <summary>Of the last change that the journal tells.</summary>
    public long LastChange => _scan.Last;

    /// <summary>Makes the new database; what is there stays as it is.</summary>
    /// <param name="progress">Called with the number of changes so far.</param>
    /// <param name="findUnknown">Look through all blobs for what the journal doesn't tell of?</param>
    public async Task<RebuildReport> MakeAsync(Action<long>? progress, bool findUnknown, CancellationToken cancellationToken)
    {
        _files.RemoveNew();
        SqliteMetadataDatabase.CreateForOwner(_files.New);
        using var session = SqliteConnections.OpenWriter(_files.New);
        SchemaMigrations.Run(session, SqlDialect.Sqlite);
        CommitVersion.Write(session, CommitVersion.First());
        // A journal with lost lines is followed by one that begins with what was found: under another name, so that they can't be taken for one.
        var store = _scan.IsWhole && _scan.Store is { } own ? own : JournalPosition.NewStore();
        var report = await new Rebuild(session, _blobs, _scan, progress).RunAsync(store, _nowMs, cancellationToken);
        if (HasNoJournal)
            report = report with { Damage = ["there is none, so that nothing is known of what was stored here"] };
        if (!findUnknown)
            return report;
        var (blobs, manifests) = await new RebuildEnd(session, _blobs).FindUnknownAsync(cancellationToken);
        return report with { UnknownBlobs = blobs, UnknownManifests = manifests };
    }

    /// <summary>Puts the new database in its place. A journal with lost lines goes with the old one, and another is begun.</summary>
    /// <returns>Where the old one is kept; null if there was none.</returns>
    /// <exception cref="IOException">The new one is not whole; the old one is still there.</exception>
    public string? Swap()
    {
        _files.RequireNewWhole();
        var old = _files.MoveAway(_nowMs);
        _files.TakeNew();
        if (!_scan.IsWhole)
            BeginJournal();
        return old;
    }

    private void BeginJournal()
    {
        JournalFolder.MoveAway(_folder.Journal, _folder.Quarantine, _nowMs);
        using var session = SqliteConnections.OpenWriter(_files.Main);
        var found = JournalPosition.Find(session)!;
        var position = found with { Sequence = Math.Max(found.Sequence, 1) };
        StateSnapshot.Write(session, _folder.Journal, position.Store, position.Sequence);
        position.Put(session);
    }

    /// <summary>Removes the new database again.</summary>
    public void Discard() => _files.RemoveNew();
}
