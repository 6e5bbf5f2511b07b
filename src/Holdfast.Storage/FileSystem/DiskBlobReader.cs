using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Reads what is on the disk rather than what the page cache remembers, on the threads that may wait for it, and leaves nothing in the cache.
/// Dropping the pages keeps the kernel's read-ahead, which direct reads don't have.
/// </summary>
internal sealed class DiskBlobReader : BlobReader
{
    private readonly FileBlobReader _reader;
    private readonly DiskThreads _threads;

    public DiskBlobReader(FileBlobReader reader, DiskThreads threads)
    {
        (_reader, _threads) = (reader, threads);
        Posix.AdviseForget(reader.File, 0, 0); // 0: up to the end
    }

    public override long SizeBytes => _reader.SizeBytes;

    public override long Stamp => _reader.Stamp;

    public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken) => _reader.WasChangedAsync(cancellationToken);

    public override async ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _threads.RunAsync((_reader, offsetBytes, buffer), static work =>
        {
            var read = work._reader.Read(work.offsetBytes, work.buffer.Span);
            Posix.AdviseForget(work._reader.File, work.offsetBytes, read);
            return read;
        });
    }

    public override ValueTask DisposeAsync() => _reader.DisposeAsync();
}
