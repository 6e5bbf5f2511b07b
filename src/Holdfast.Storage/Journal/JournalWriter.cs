using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>
/// The journal's end, where changes are added: <see cref="Add"/> each, <see cref="Write"/> them in one piece before the database commits, and
/// <see cref="TakeBack"/> if it then doesn't. One writer; not safe for concurrent use.
/// </summary>
internal sealed class JournalWriter : IDisposable
{
    /// <summary>Small enough to be read in half a second, large enough that there are few.</summary>
    public const long SegmentBytes = 64L << 20;

    // Room taken in advance, so that deletes are written down when others have filled the disk (P10), and renewed when half is used.
    private const long RoomBytes = 4L << 20;

    private readonly JournalFiles _files;
    private readonly string _store;
    private readonly long _segmentBytes;
    private readonly JournalBuffer _buffer = new();
    private readonly List<NamedEvent> _named = [];
    private readonly Dictionary<int, string> _registries = [];
    private JournalBytes? _file;
    private long _length;
    private long _room;
    private (long Sequence, long Length) _before;
    private string? _closedBecause;
    private volatile bool _isToBeLeft;

    private JournalWriter(JournalFiles files, string store, long sequence, long segmentBytes) =>
        (_files, _store, Sequence, LastAdded, _segmentBytes) = (files, store, sequence, sequence, segmentBytes);

    /// <summary>Of the last change that is written.</summary>
    public long Sequence { get; private set; }

    /// <summary>Of the last change that was added.</summary>
    public long LastAdded { get; private set; }

    /// <summary>Called when a segment is full, from the writer's thread.</summary>
    public Action? SegmentFilled { get; set; }

    public bool HasAdded => LastAdded > Sequence;

    /// <summary>Opens the journal to go on after a change. Its last segment, if there is one, is cut to the bytes that are known to be good.</summary>
    /// <param name="tail">The last segment and its good bytes; null: the next change begins one.</param>
    public static JournalWriter Open(string folder, string store, long sequence, JournalTail? tail, long segmentBytes = SegmentBytes) =>
        Open(new JournalFolderFiles(folder), store, sequence, tail, segmentBytes);

    public static JournalWriter Open(JournalFiles files, string store, long sequence, JournalTail? tail, long segmentBytes)
    {
        var journal = new JournalWriter(files, store, sequence, segmentBytes);
        try
        {
            if (tail is not null)
                journal.OpenTail(tail);
            else
                journal.BeginSegment();
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>The next write begins a segment, because this one is damaged. From any thread.</summary>
    public void LeaveSegment() => _isToBeLeft = true;

    /// <summary>Takes up what one change did.</summary>
    public void Add(MetadataSession session, IReadOnlyList<JournalEvent> events)
    {
        _named.Clear();
        foreach (var done in events)
            _named.Add(new NamedEvent(NameOf(session, done.Repository.Registry), done));
        LastAdded++;
        JournalRecord.WriteChange(_buffer.BeginLine(), LastAdded, Sequence + 1, _named);
        _buffer.EndLine();
    }

    /// <summary>Forgets what was added and not written.</summary>
    public void Forget()
    {
        _buffer.Clear();
        LastAdded = Sequence;
        // A registry that was new in what is rolled back may get another id next time.
        _registries.Clear();
    }

    /// <summary>Writes what was added, and syncs it: from here on a power cut doesn't lose it.</summary>
    /// <exception cref="StoreFullException">There is no room; nothing was written.</exception>
    /// <exception cref="StoreUnwritableException">The journal is closed; nothing was written.</exception>
    /// <exception cref="IOException">It is not known to be written.</exception>
    public void Write()
    {
        ThrowIfClosed();
        if ((_isToBeLeft || _length + _buffer.Length > _segmentBytes) && _length > HeaderBytes)
        {
            // If that fails, the new segment's name may be there: a smaller write that still fits must not follow in the old one.
            _isToBeLeft = true;
            BeginSegment();
            _isToBeLeft = false;
            SegmentFilled?.Invoke();
        }
        _before = (Sequence, _length);
        try
        {
            _file!.Write(_buffer.Bytes, _length);
            _file.Sync();
        }
        catch
        {
            CutBack();
            throw;
        }
        _length += _buffer.Length;
        Sequence = LastAdded;
        _buffer.Clear();
        Reserve();
    }

    /// <summary>Takes the last write out again: the database didn't commit it, and nobody was told that it did.</summary>
    public void TakeBack()
    {
        (Sequence, _length) = _before;
        Forget();
        CutBack();
    }

    public void Dispose()
    {
        _file?.Dispose();
        _buffer.Dispose();
    }

    /// <summary>Why nothing is taken for now; null: it is.</summary>
    public string? ClosedBecause => _closedBecause;

    /// <summary>Tries again to take out what closed it: a disk may have become writable meanwhile.</summary>
    /// <exception cref="StoreUnwritableException">It is closed still.</exception>
    public void ThrowIfClosed()
    {
        if (_closedBecause is not null && !CutBack())
            throw new StoreUnwritableException(_closedBecause, null);
    }

    private long HeaderBytes { get; set; }

    // What stands beyond the good bytes would be taken for changes when the journal is read, and the next write must not follow it. Where it
    // can't be removed, no later change may be acknowledged before it is: by a later try, or by the next start, which brings the journal and the database together.
    private bool CutBack()
    {
        try
        {
            _file!.Truncate(_length);
            _file.Sync();
            (_room, _closedBecause) = (0, null);
            return true;
        }
        catch (IOException e)
        {
            _closedBecause = $"the journal is closed, since a write that failed can't be taken out of it ({e.Message})";
            return false;
        }
    }

    private void OpenTail(JournalTail tail)
    {
        _file = _files.OpenToWrite(tail.Path);
        _length = tail.GoodBytes;
        if (_file.Length != _length)
        {
            _file.Truncate(_length);
            _file.Sync();
        }
        HeaderBytes = 0;
        Reserve();
    }

    private void BeginSegment()
    {
        // There can be one only if its first change was taken back, or a crash came before it.
        var file = _files.Create(_files.PathOf(Sequence + 1, JournalFolder.Segment));
        try
        {
            using var header = new JournalBuffer();
            JournalRecord.WriteHeader(header.BeginLine(), _store);
            header.EndLine();
            file.Truncate(0);
            file.Write(header.Bytes, 0);
            file.Sync();
            _files.Sync();
            HeaderBytes = header.Length;
        }
        catch
        {
            file.Dispose();
            throw;
        }
        _file?.Dispose();
        (_file, _length, _room) = (file, HeaderBytes, 0);
        Reserve();
    }

    private void Reserve()
    {
        if (_length + (RoomBytes / 2) < _room)
            return;
        _room = _length + RoomBytes;
        _file!.TryReserve(_room);
    }

    private string NameOf(MetadataSession session, int registry)
    {
        if (_registries.TryGetValue(registry, out var name))
            return name;
        return _registries[registry] = Registries.FindName(session, registry)
            ?? throw new InvalidOperationException($"no registry has the row {registry} (invariant)");
    }
}

/// <param name="GoodBytes">What stands behind these was torn by a crash.</param>
internal sealed record JournalTail(string Path, long GoodBytes);
