using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;

namespace Holdfast.Server.Caching;

/// <summary>
/// The bytes of one fetch as they arrive, for everyone who waits for them: those in the upload's file can be read by anyone at any time; those that found no room on the disk are held in
/// memory until all who are reading have had them, so that the slowest of them sets the pace.
/// </summary>
internal sealed class FetchedBytes : IAsyncDisposable
{
    /// <summary>Held back until it is known that all bytes are right (P4).</summary>
    public const int HoldBytes = 64 * 1024;

    private const int MaxInMemory = 4 << 20;

    private readonly Lock _lock = new();
    private readonly List<FetchReader> _readers = [];
    private readonly Queue<Chunk> _inMemory = new();
    private BlobReader? _file;
    private long _inFile;
    private long _dropped;
    private int _memoryBytes;
    private long _received;
    private long _leftAt;
    private long? _size;
    private bool _isRight;
    private bool _isOver;
    private bool _isUnreadable;
    private Exception? _failure;
    private TaskCompletionSource _news = NewSource();
    private TaskCompletionSource _room = NewSource();

    /// <summary>Asked while nobody is reading, with the bytes that have come, and with how many of them came since the last one has left: is the rest too much to be fetched for nobody? Nobody joins any more then.</summary>
    public Func<long, long, bool> IsTooMuch { get; init; } = static (_, _) => false;

    /// <summary>Told when it is.</summary>
    public Action Abandon { get; init; } = static () => { };

    /// <summary>Told, once, when our own disk doesn't give back what was written to it.</summary>
    public Action<IOException> Unreadable { get; init; } = static _ => { };

    /// <summary>Did our own disk fail to give back a part of it? What it has of the rest isn't known either.</summary>
    public bool IsUnreadable
    {
        get
        {
            lock (_lock)
                return _isUnreadable;
        }
    }

    public long ReceivedBytes
    {
        get
        {
            lock (_lock)
                return _received;
        }
    }

    /// <summary>Adds one who reads from the beginning on.</summary>
    /// <returns>Null if what it would have to read is gone, or nothing more will come.</returns>
    public FetchReader? TryJoin()
    {
        lock (_lock)
        {
            if (_isOver || _dropped > 0)
                return null;
            var reader = new FetchReader(this);
            _readers.Add(reader);
            return reader;
        }
    }

    /// <summary>From now on the first bytes can be read from here.</summary>
    public void UseFile(BlobReader file)
    {
        lock (_lock)
            _file = file;
    }

    public void SetSize(long? sizeBytes)
    {
        lock (_lock)
            _size = sizeBytes;
    }

    /// <summary>More bytes are in the file.</summary>
    public void NoteWritten(int bytes)
    {
        bool isAbandoned;
        lock (_lock)
        {
            _inFile += bytes;
            _received += bytes;
            isAbandoned = IsToBeAbandoned();
        }
        Tell();
        if (isAbandoned)
            Abandon();
    }

    /// <summary>Reads what is in the file.</summary>
    public ValueTask<int> ReadWrittenAsync(long offset, Memory<byte> buffer)
    {
        BlobReader? file;
        lock (_lock)
            file = _file;
        return file is null ? new(0) : file.ReadAsync(offset, buffer, CancellationToken.None);
    }

    /// <summary>More bytes, which are nowhere else: waits until there is room for them. Those who read from here on can't begin at the beginning any more.</summary>
    public async ValueTask HoldAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                CutParts();
                if (_readers.Count == 0)
                    throw new IOException("there is no room to keep it, and nobody waits for it");
                DropRead();
                if (_memoryBytes == 0 || _memoryBytes + bytes.Length <= MaxInMemory)
                {
                    _inMemory.Enqueue(new Chunk(_received, bytes.ToArray()));
                    _memoryBytes += bytes.Length;
                    _received += bytes.Length;
                    break;
                }
                room = _room.Task;
            }
            await room.WaitAsync(cancellationToken);
        }
        Tell();
    }

    /// <summary>All bytes are there, and right.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _size = _received;
            _isRight = true;
        }
        Tell();
    }

    /// <summary>Nothing more comes, and what came is not to be brought to its end.</summary>
    public void Fail(Exception failure)
    {
        lock (_lock)
        {
            if (_isRight)
                return;
            _failure ??= failure;
            _isOver = true;
        }
        Tell();
    }

    /// <summary>Nobody joins any more; the file is closed when the last one who reads has left.</summary>
    public async ValueTask DisposeAsync()
    {
        BlobReader? file;
        lock (_lock)
        {
            _isOver = true;
            file = TakeFileIfIdle();
        }
        if (file is not null)
            await file.DisposeAsync();
    }

    /// <returns>How many bytes can be read at once from where the reader stands; 0 only at its end.</returns>
    internal async ValueTask<long> WaitAsync(FetchReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task news;
            lock (_lock)
            {
                if (_isRight && reader.Offset >= (reader.End ?? _size))
                    return 0;
                if (reader.IsCut)
                    throw new FetchBrokenException(new IOException("there is no room on the disk, and a part alone can't be checked without it"));
                var available = Limit(reader) - reader.Offset;
                if (available > 0)
                    return available;
                if (_failure is { } failure)
                    throw new FetchBrokenException(failure);
                news = _news.Task;
            }
            await news.WaitAsync(cancellationToken);
        }
    }

    /// <returns>Bytes read from where the reader stands; 0 only at its end.</returns>
    internal async ValueTask<int> ReadAsync(FetchReader reader, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var length = (int)Math.Min(await WaitAsync(reader, cancellationToken), buffer.Length);
        if (length == 0)
            return 0;
        var (file, read) = ((BlobReader?)null, 0);
        lock (_lock)
        {
            if (reader.Offset < _inFile)
                (file, length) = (_file, (int)Math.Min(length, _inFile - reader.Offset));
            else
                read = CopyHeld(reader.Offset, buffer.Span[..length]);
        }
        if (file is not null)
            read = await ReadAsync(file, reader.Offset, buffer[..length], cancellationToken);
        // Never taken for the end.
        if (read == 0)
            throw new FetchBrokenException(new IOException($"the bytes from {reader.Offset} on are no longer held"));
        Move(reader, read);
        return read;
    }

    // Whoever reads meets it; it is told of once.
    private async ValueTask<int> ReadAsync(BlobReader file, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        IOException fault;
        try
        {
            if (await file.ReadAsync(offset, buffer, cancellationToken) is var read and > 0)
                return read;
            fault = new IOException($"the bytes from {offset} on are no longer where they were written");
        }
        catch (IOException e) when (e is not StoreAwayException)
        {
            fault = e;
        }
        bool isFirst;
        lock (_lock)
        {
            isFirst = !_isUnreadable;
            _isUnreadable = true;
        }
        if (isFirst)
            Unreadable(fault);
        throw new FetchBrokenException(fault) { IsOurs = true };
    }

    internal async ValueTask LeaveAsync(FetchReader reader)
    {
        BlobReader? file;
        bool isAbandoned;
        lock (_lock)
        {
            var isLast = _readers.Remove(reader) && _readers.Count == 0;
            if (isLast)
                _leftAt = _received;
            isAbandoned = isLast && IsToBeAbandoned();
            file = TakeFileIfIdle();
            _room.TrySetResult();
            _room = NewSource();
        }
        if (file is not null)
            await file.DisposeAsync();
        if (isAbandoned)
            Abandon();
    }

    internal void Place(FetchReader reader, long offset, long? end)
    {
        lock (_lock)
            (reader.Offset, reader.End) = (offset, end);
    }

    private bool IsToBeAbandoned()
    {
        if (_readers.Count > 0 || _isRight || _isOver || !IsTooMuch(_received, _received - _leftAt))
            return false;
        _isOver = true;
        return true;
    }

    // Of a range the end is held back as well: else a part could be complete, and wrong.
    private long Limit(FetchReader reader)
    {
        if (_isRight)
            return Math.Min(reader.End ?? long.MaxValue, _received);
        var whole = Math.Min(_received, (_size ?? _received) - HoldBytes);
        return reader.End is { } end ? Math.Min(whole, end - HoldBytes) : whole;
    }

    private int CopyHeld(long offset, Span<byte> into)
    {
        foreach (var chunk in _inMemory)
        {
            if (offset < chunk.Offset || offset >= chunk.End)
                continue;
            var part = chunk.Bytes.AsSpan((int)(offset - chunk.Offset));
            part = part[..Math.Min(part.Length, into.Length)];
            part.CopyTo(into);
            return part.Length;
        }
        return 0;
    }

    private void Move(FetchReader reader, int bytes)
    {
        lock (_lock)
        {
            reader.Offset += bytes;
            if (_memoryBytes == 0)
                return;
            _room.TrySetResult();
            _room = NewSource();
        }
    }

    // One who waits for the end of a part would hold up all the others: the bytes can't be given to it before those after them have come.
    private void CutParts()
    {
        foreach (var reader in _readers.Where(reader => reader.End is not null).ToList())
        {
            reader.IsCut = true;
            _readers.Remove(reader);
        }
    }

    private void DropRead()
    {
        var slowest = _readers.Count == 0 ? _received : _readers.Min(reader => reader.Offset);
        while (_inMemory.TryPeek(out var chunk) && chunk.End <= slowest)
        {
            _inMemory.Dequeue();
            _memoryBytes -= chunk.Bytes.Length;
            _dropped = chunk.End;
        }
    }

    private BlobReader? TakeFileIfIdle()
    {
        if (!_isOver || _readers.Count > 0)
            return null;
        var file = _file;
        _file = null;
        return file;
    }

    private void Tell()
    {
        TaskCompletionSource told;
        lock (_lock)
        {
            told = _news;
            _news = NewSource();
        }
        told.TrySetResult();
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Chunk(long Offset, byte[] Bytes)
    {
        public long End => Offset + Bytes.Length;
    }
}
