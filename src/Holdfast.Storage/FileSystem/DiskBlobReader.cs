using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Reads what is on the disk rather than what the page cache remembers, on the threads that may wait for it. What the cache has is dropped first, as memory may be
/// what is wrong, and it is read past (O_DIRECT): pulls that go on meanwhile fill it again from the disk, and nothing comes into it that nobody uses. What is on its
/// way to a client just then can't be dropped, and isn't looked at.
/// </summary>
internal sealed class DiskBlobReader : BlobReader
{
    // What is read at once anyway needs no window of its own; of small blobs many are checked at the same time.
    private const int WorthAWindow = 256 << 10;

    private readonly FileBlobReader _reader;
    private readonly DiskThreads _threads;
    private readonly Lock _turn = new();
    private AlignedBuffer? _window; // Null: through the page cache.
    private long _windowOffset;
    private int _windowBytes;

    public DiskBlobReader(FileBlobReader reader, DiskThreads threads)
    {
        (_reader, _threads) = (reader, threads);
        // All of it at once: the cache keeps pages in pieces of up to megabytes, and drops none that lies only partly in a range.
        Posix.AdviseForget(reader.File, 0, 0); // 0: up to the end
        _window = reader.SizeBytes > WorthAWindow ? AlignedBuffer.TryRent() : null;
        if (_window is not null && !Posix.TrySetDirect(reader.File, isDirect: true))
            ReturnWindow();
    }

    public override long SizeBytes => _reader.SizeBytes;

    public override long Stamp => _reader.Stamp;

    public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken) => _reader.WasChangedAsync(cancellationToken);

    public override async ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _threads.RunAsync((reader: this, offsetBytes, buffer), static work => work.reader.ReadInTurn(work.offsetBytes, work.buffer.Span));
    }

    public override ValueTask DisposeAsync()
    {
        ReturnWindow();
        return _reader.DisposeAsync();
    }

    private int ReadInTurn(long offsetBytes, Span<byte> buffer)
    {
        lock (_turn)
            return Read(offsetBytes, buffer);
    }

    private int Read(long offsetBytes, Span<byte> buffer)
    {
        if (_window is not null && !IsInWindow(offsetBytes))
            MoveWindow(offsetBytes);
        if (_window is null)
        {
            var read = _reader.Read(offsetBytes, buffer);
            Posix.AdviseForget(_reader.File, offsetBytes, read);
            return read;
        }
        if (!IsInWindow(offsetBytes))
            return 0;
        var there = _window.Memory.Span[(int)(offsetBytes - _windowOffset).._windowBytes];
        var count = Math.Min(there.Length, buffer.Length);
        there[..count].CopyTo(buffer);
        return count;
    }

    private bool IsInWindow(long offsetBytes) => offsetBytes >= _windowOffset && offsetBytes < _windowOffset + _windowBytes;

    // Memory, offset and length are multiples of a block, as such reads must be; only the file's end comes short.
    private void MoveWindow(long offsetBytes)
    {
        _windowBytes = 0;
        _windowOffset = offsetBytes - (offsetBytes % AlignedBuffer.BlockBytes);
        try
        {
            _windowBytes = _reader.Read(_windowOffset, _window!.Memory.Span);
        }
        catch (IOException e) when (e.HResult is Posix.InvalidArgument or Posix.NotSupported)
        {
            // The file system takes the flag, but not such reads.
            Posix.TrySetDirect(_reader.File, isDirect: false);
            ReturnWindow();
        }
    }

    private void ReturnWindow()
    {
        _window?.Return();
        _window = null;
    }
}
