using System.Runtime.InteropServices;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>Reads complete synchronously: nearly all come from the page cache in microseconds, and a hop to another thread costs more.</summary>
internal sealed class FileBlobReader : BlobReader, IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly FileState _opened;

    public FileBlobReader(SafeFileHandle file, FileState opened) => (_file, _opened) = (file, opened);

    public override long SizeBytes => _opened.SizeBytes;

    public override long Stamp => _opened.Stamp;

    internal SafeFileHandle File => _file;

    public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken)
    {
        var now = Posix.Examine(_file, "an open blob");
        // A push of the same blob puts another file in this one's place: this one then has no name any more, and nobody can have written to it
        // unless its times or size say so.
        var wasReplaced = now.Links == 0 && now.ModifiedNs == _opened.ModifiedNs && now.SizeBytes == _opened.SizeBytes;
        return new(now.Stamp != _opened.Stamp && !wasReplaced);
    }

    public override ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(Read(offsetBytes, buffer.Span));
    }

    public override int TrySend(SafeHandle socket, long offsetBytes, int countBytes) => Posix.TrySend(socket, _file, offsetBytes, countBytes);

    internal int Read(long offsetBytes, Span<byte> buffer)
    {
        try
        {
            return RandomAccess.Read(_file, buffer, offsetBytes);
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
