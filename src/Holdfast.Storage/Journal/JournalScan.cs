namespace Holdfast.Storage.Journal;

/// <summary>What a journal holds, after every line of it was read and checked.</summary>
internal sealed class JournalScan
{
    private readonly JournalFiles _files;
    private readonly List<string> _damage = [];
    private readonly List<string> _segments = [];
    private (string Path, long Offset, long Sequence)? _suspect;

    private JournalScan(JournalFiles files) => _files = files;

    /// <summary>Whose journal it is; null if there is none.</summary>
    public string? Store { get; private set; }

    /// <summary>The change up to which the snapshot tells; 0 without one.</summary>
    public long SnapshotSequence { get; private set; }

    public string? SnapshotPath { get; private set; }

    /// <summary>Of the last whole change.</summary>
    public long Last { get; private set; }

    public JournalTail? Tail { get; private set; }

    /// <summary>What is lost, in sentences. What a crash tore at the end isn't: nobody was told that it was done.</summary>
    public IReadOnlyList<string> Damage => _damage;

    public bool IsEmpty => Store is null && _damage.Count == 0;

    /// <summary>Everything after a change and up to the last can be replayed.</summary>
    public bool IsWhole => _damage.Count == 0;

    /// <exception cref="IOException">A file can't be read: what it holds is not known (P6).</exception>
    public static JournalScan Read(string folder) => Read(new JournalFolderFiles(folder));

    /// <exception cref="IOException">A file can't be read: what it holds is not known (P6).</exception>
    public static JournalScan Read(JournalFiles files)
    {
        var scan = new JournalScan(files);
        scan.ReadSnapshots();
        scan.Last = scan.SnapshotSequence;
        var segments = files.List(JournalFolder.Segment);
        for (var i = 0; i < segments.Count; i++)
        {
            // One that a snapshot has made needless, and a crash left.
            if (i + 1 < segments.Count && segments[i + 1].Sequence <= scan.SnapshotSequence + 1)
                continue;
            scan.ReadSegment(segments[i].Path, isLast: i + 1 == segments.Count);
        }
        return scan;
    }

    /// <summary>Can a start do without reading all of it? True if the last line is the change that the database has, and the journal is the database's.</summary>
    /// <returns>Null if it can't.</returns>
    public static JournalTail? TryFindTail(string folder, string store, long sequence) => TryFindTail(new JournalFolderFiles(folder), store, sequence);

    public static JournalTail? TryFindTail(JournalFiles files, string store, long sequence)
    {
        var segments = files.List(JournalFolder.Segment);
        if (segments.Count == 0)
            return null;
        var (firstSequence, path) = segments[^1];
        var (first, last, length) = JournalFile.ReadEnds(files.OpenToRead, path);
        if (first?.Store != store || last is null)
            return null;
        var ends = last.Store is null ? last.Sequence == sequence : firstSequence == sequence + 1 && HasBefore(files, segments, sequence);
        return ends ? new JournalTail(path, length) : null;
    }

    /// <summary>The snapshot's rows, in pieces.</summary>
    public IEnumerable<IReadOnlyList<NamedEvent>> ReadSnapshot() =>
        SnapshotPath is null ? [] : JournalFile.Read(_files.OpenToRead, SnapshotPath).Select(line => line.Record?.Events).OfType<IReadOnlyList<NamedEvent>>();

    /// <summary>The changes after one, those that can be read.</summary>
    public IEnumerable<JournalRecord> ReadChanges(long after)
    {
        foreach (var path in _segments)
        {
            foreach (var line in JournalFile.Read(_files.OpenToRead, path))
            {
                if (Tail is { } tail && path == tail.Path && line.Offset >= tail.GoodBytes)
                    yield break;
                if (line.Record is { Events: not null } change && change.Sequence > Math.Max(after, SnapshotSequence))
                    yield return change;
            }
        }
    }

    private static bool HasBefore(JournalFiles files, List<(long Sequence, string Path)> segments, long sequence) =>
        sequence == 0 || segments.Count > 1 || files.List(JournalFolder.Snapshot).Exists(snapshot => snapshot.Sequence == sequence);

    private void ReadSnapshots()
    {
        var snapshots = _files.List(JournalFolder.Snapshot);
        for (var i = snapshots.Count - 1; i >= 0; i--)
        {
            var (sequence, path) = snapshots[i];
            var problem = CheckSnapshot(path, sequence);
            if (problem is null || i == 0)
            {
                (SnapshotSequence, SnapshotPath) = (sequence, path);
                if (problem is not null)
                    _damage.Add(problem);
                return;
            }
        }
    }

    private string? CheckSnapshot(string path, long sequence)
    {
        var (lines, bad, isEnded) = (0L, 0L, false);
        foreach (var line in JournalFile.Read(_files.OpenToRead, path))
        {
            if (line.Record is null)
                bad++;
            else if (line.Offset == 0)
                Store = line.Record.Sequence == sequence ? line.Record.Store : null;
            else if (line.Record.End is { } end)
                isEnded = end == lines;
            else
                lines++;
        }
        if (bad > 0 || !isEnded || Store is null)
            return $"the snapshot {Path.GetFileName(path)} is damaged: of what was there up to change {sequence}, some is lost";
        return null;
    }

    private void ReadSegment(string path, bool isLast)
    {
        var (isHeader, hasHeader, hasLines) = (true, false, false);
        var good = 0L;
        foreach (var line in JournalFile.Read(_files.OpenToRead, path))
        {
            if (isHeader)
            {
                isHeader = false;
                hasHeader = line.Record?.Store is not null;
                good = hasHeader ? line.EndOffset : 0;
                if (hasHeader)
                    TakeStore(path, line.Record!.Store!);
                if (hasHeader || line.Record is null)
                    continue;
            }
            if (line.Record is { Events: not null } change)
            {
                // A header is on the disk before the first change is.
                if (!hasHeader && !hasLines)
                    _damage.Add($"{Path.GetFileName(path)} is damaged at its beginning");
                hasLines = true;
                Take(path, change);
                good = line.EndOffset;
            }
            else
            {
                _suspect ??= (path, line.Offset, Last + 1);
            }
        }
        if (!isLast)
            JudgeSuspect();
        if (_suspect is { } torn)
            good = torn.Path == path ? torn.Offset : good;
        _segments.Add(path);
        if (isLast && good > 0)
            Tail = new JournalTail(path, good);
        else if (isLast && !hasLines)
            _segments.Remove(path); // Begun, and torn by a crash before its first change.
    }

    private void TakeStore(string path, string store)
    {
        Store ??= store;
        if (Store != store)
            _damage.Add($"{Path.GetFileName(path)} is of another store's journal");
    }

    private void Take(string path, JournalRecord change)
    {
        if (change.Sequence <= SnapshotSequence || (change.Sequence == SnapshotSequence + 1 && Last == SnapshotSequence))
            _suspect = null; // What is damaged before it, the snapshot replaces.
        if (change.Sequence <= SnapshotSequence)
            return;
        // Behind damaged bytes: part of the same torn write, or proof that those once were good?
        if (_suspect is { } suspect && change.Batch <= suspect.Sequence && suspect.Path == path)
            return;
        JudgeSuspect();
        if (change.Sequence > Last + 1)
            _damage.Add(change.Sequence == Last + 2 ? $"change {Last + 1} is lost" : $"changes {Last + 1} to {change.Sequence - 1} are lost");
        else if (change.Sequence <= Last)
            _damage.Add($"{Path.GetFileName(path)} has change {change.Sequence} after change {Last}");
        Last = Math.Max(Last, change.Sequence);
    }

    private void JudgeSuspect()
    {
        if (_suspect is { } suspect)
            _damage.Add($"{Path.GetFileName(suspect.Path)} is damaged at byte {suspect.Offset}");
        _suspect = null;
    }
}
