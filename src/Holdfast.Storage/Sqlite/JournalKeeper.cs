using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// Looks after the journal beside traffic, on a thread of its own: reads all of it once after a start, since what is damaged there would only be missed
/// when it is needed; and cuts it when it has grown (P10), by a snapshot in place of what came before.
/// </summary>
internal sealed class JournalKeeper : IAsyncDisposable
{
    /// <summary>A journal is left alone up to here: a rebuild reads this in seconds.</summary>
    public const long MaxBytes = 256L << 20;

    // A snapshot is worth writing if it is a quarter of what it replaces; so all that is ever written is at most a third more than the changes.
    private const int MinGain = 4;

    private readonly MetadataDatabase _database;
    private readonly string _folder;
    private readonly string _file;
    private readonly TimeProvider _time;
    private readonly JournalWriter _journal;
    private readonly long _maxBytes;
    private bool _isDamaged;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="database">Where findings are put on record.</param>
    public JournalKeeper(MetadataDatabase database, JournalWriter journal, DataFolder folder, TimeProvider time, long maxBytes = MaxBytes)
    {
        (_database, _journal, _folder, _file, _time, _maxBytes) = (database, journal, folder.Journal, folder.DatabaseFile, time, maxBytes);
        journal.SegmentFilled = () => _wake.Release();
        new Thread(Loop) { IsBackground = true, Name = "journal keeper", Priority = ThreadPriority.BelowNormal }.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _stopped.Task;
        _stop.Dispose();
    }

    private void Loop()
    {
        try
        {
            Try(Check);
            while (true)
            {
                _wake.Wait(_stop.Token);
                Try(CompactIfLarge);
            }
        }
        catch (OperationCanceledException)
        {
            _stopped.SetResult();
        }
    }

    private void Try(Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Report($"the journal could not be looked after, which is tried again when it has grown or at the next start: {e.Message}");
        }
    }

    private void Check()
    {
        foreach (var (_, path) in JournalFolder.List(_folder, JournalFolder.Snapshot).Concat(JournalFolder.List(_folder, JournalFolder.Segment)))
        {
            if (JournalFile.FindDamage(path, _stop.Token) is not { } offset)
                continue;
            Replace($"{Path.GetFileName(path)} is damaged at byte {offset}");
            return;
        }
        if (FindGap() is { } gap)
            Replace(gap);
    }

    private void Replace(string damage)
    {
        Compact();
        // If it was the last segment, it goes with the snapshot after the next.
        _isDamaged = true;
        _journal.LeaveSegment();
        Report($"{damage}; the database is whole, and a new snapshot of it takes the place of what is damaged");
    }

    // A file that somebody took away leaves others that are whole. The start looks at the last alone.
    private string? FindGap()
    {
        var segments = JournalFolder.List(_folder, JournalFolder.Segment);
        var next = JournalFolder.List(_folder, JournalFolder.Snapshot) is [.., var newest] ? newest.Sequence + 1 : 1;
        for (var i = 0; i < segments.Count; i++)
        {
            var (first, path) = segments[i];
            var isLast = i + 1 == segments.Count;
            if (!isLast && segments[i + 1].Sequence <= next)
                continue; // Needless, because of the snapshot.
            if (first > next)
                return first == next + 1 ? $"change {next} is lost: its file is gone" : $"changes {next} to {first - 1} are lost: their file is gone";
            if (isLast)
                break; // Its end is just being written.
            // What can't be read at a glance is taken for right; a header alone is of changes that were taken back.
            if (JournalFile.ReadEnds(path).Last is not { } end)
                next = segments[i + 1].Sequence;
            else if (end.Store is null)
                next = end.Sequence + 1;
        }
        return null;
    }

    private void CompactIfLarge()
    {
        var segments = JournalFolder.List(_folder, JournalFolder.Segment).Sum(file => new FileInfo(file.Path).Length);
        var snapshots = JournalFolder.List(_folder, JournalFolder.Snapshot).Sum(file => new FileInfo(file.Path).Length);
        if (!_isDamaged && (segments <= _maxBytes || segments <= MinGain * snapshots))
            return;
        Compact();
        _isDamaged = false;
    }

    // First the snapshot is there under its name, then what it replaces goes, the oldest first: after a crash anywhere between, the journal is whole.
    private void Compact()
    {
        using var session = SqliteConnections.OpenReader(_file);
        session.Prepare("BEGIN").Execute();
        var position = JournalPosition.Find(session)!;
        if (position.Sequence == 0)
            return;
        StateSnapshot.Write(session, _folder, position.Store, position.Sequence);
        foreach (var (sequence, path) in JournalFolder.List(_folder, JournalFolder.Snapshot))
        {
            if (sequence < position.Sequence)
                File.Delete(path);
        }
        var segments = JournalFolder.List(_folder, JournalFolder.Segment);
        for (var i = 0; i + 1 < segments.Count && segments[i + 1].Sequence <= position.Sequence + 1; i++)
            File.Delete(segments[i].Path);
        Posix.SyncFolder(_folder);
    }

    private void Report(string finding)
    {
        try
        {
            _database.WriteAsync(
                (finding, now: _time.GetUtcNow().ToUnixTimeMilliseconds()),
                static (session, s) => Incidents.Open(session, IncidentKind.Journal, "journal", s.finding, s.now),
                CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or System.Data.Common.DbException)
        {
            // The database says the same to everyone else who writes.
        }
    }
}
