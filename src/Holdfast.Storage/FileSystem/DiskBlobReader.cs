using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Reads what is on the disk rather than what the page cache remembers, on the threads that may wait for it. Dropping the pages keeps the kernel's
/// read-ahead, which direct reads don't have. What nobody used is dropped again; what is in use stays, so that pulls after a scrub don't wait for the disk.
/// </summary>
internal sealed class DiskBlobReader : BlobReader
{
    private readonly FileBlobReader _reader;
    private readonly DiskThreads _threads;

    // Before the first read, whose read-ahead would look the same.
    private readonly bool _isInUse;

    public DiskBlobReader(FileBlobReader reader, DiskThreads threads)
    {
        (_reader, _threads) = (reader, threads);
        _isInUse = Posix.IsCached(reader.File, reader.SizeBytes);
        // All of it at once: the cache keeps pages in pieces of up to megabytes, and drops none that lies only partly in a range.
        Posix.AdviseForget(reader.File, 0, 0); // 0: up to the end
    }

    public override long SizeBytes => _reader.SizeBytes;

    public override long Stamp => _reader.Stamp;

    public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken) => _reader.WasChangedAsync(cancellationToken);

    public override async ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _threads.RunAsync((reader: this, offsetBytes, buffer), static work => work.reader.Read(work.offsetBytes, work.buffer.Span));
    }

    public override ValueTask DisposeAsync() => _reader.DisposeAsync();

    private int Read(long offsetBytes, Span<byte> buffer)
    {
        var read = _reader.Read(offsetBytes, buffer);
        if (!_isInUse)
            Posix.AdviseForget(_reader.File, offsetBytes, read);
        return read;
    }
}
