using Holdfast.Storage.Blobs;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>Reads complete synchronously: nearly all come from the page cache in microseconds, and a hop to another thread costs more.</summary>
internal sealed class FileBlobReader : BlobReader, IDisposable
{
    private readonly SafeFileHandle _file;

    public FileBlobReader(SafeFileHandle file, long sizeBytes) => (_file, SizeBytes) = (file, sizeBytes);

    public override long SizeBytes { get; }

    public override ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new(RandomAccess.Read(_file, buffer.Span, offsetBytes));
        }
        catch (UnauthorizedAccessException e)
        {
            throw Posix.Translate(e);
        }
    }

    public void Dispose() => _file.Dispose();

    public override ValueTask DisposeAsync()
    {
        _file.Dispose();
        return default;
    }
}
