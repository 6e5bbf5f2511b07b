using System.Security.Cryptography;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// An upload's file and its running hash. Bytes are written to the page cache and hashed on the caller's thread, which costs a quarter of
/// what a disk takes for them; the disk writes meanwhile, in windows, and a caller that is two windows ahead waits for it.
/// A big upload goes past the page cache (<see cref="DirectFile"/>): that costs the kernel a twentieth, and doesn't push out what others read.
/// </summary>
internal sealed class FileBlobWriter : BlobWriter
{
    // Big enough for the disk's full speed, small enough that an upload never has more than three of them unwritten:
    // many uploads can't fill the memory with dirty pages, and the last sync finds little left to do.
    private const long WindowBytes = 8 * 1024 * 1024;

    // Smaller blobs stay in the page cache: what was just pushed is soon pulled.
    private const long DirectFromBytes = 32 * 1024 * 1024;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DigestAlgorithm _algorithm;
    private readonly string _path;
    private readonly BlobDisk _disk;
    private readonly DirectFile _direct;
    private SafeFileHandle? _file;
    private IncrementalHash _hash;
    private long _sizeBytes;
    private long _writtenBackBytes;
    private Task _writeBack = Task.CompletedTask;
    private long _stamp;
    private bool _exists;
    private bool _isParked;
    private bool _isRead;
    private string? _closed;

    private FileBlobWriter(Guid upload, DigestAlgorithm algorithm, string path, BlobDisk disk)
    {
        Upload = upload;
        _algorithm = algorithm;
        _path = path;
        _disk = disk;
        _direct = new DirectFile(path);
        _hash = FileHash.Start(algorithm);
    }

    public override Guid Upload { get; }

    public override long SizeBytes => _sizeBytes;

    public static async ValueTask<FileBlobWriter> OpenAsync(Guid upload, DigestAlgorithm algorithm, string path, BlobDisk disk)
    {
        var writer = new FileBlobWriter(upload, algorithm, path, disk) { _file = Posix.TryOpen(path, Posix.ReadWrite) };
        if (writer._file is null)
            return writer;
        try
        {
            writer._exists = true;
            writer._sizeBytes = RandomAccess.GetLength(writer._file);
            writer._writtenBackBytes = writer._sizeBytes;
            await writer.RehashAsync();
            return writer;
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    public override ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        if (bytes.IsEmpty)
            return default;
        return _sizeBytes >= DirectFromBytes && !_isRead && _direct.Takes(bytes.Span, _sizeBytes) ? AppendDirectAsync(bytes) : AppendCachedAsync(bytes);
    }

    private ValueTask AppendCachedAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            RandomAccess.Write(OpenFile(), bytes.Span, _sizeBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            CutBack();
            throw Posix.Translate(e);
        }
        Added(bytes.Span);
        return _sizeBytes - _writtenBackBytes < WindowBytes ? default : WriteBackAsync();
    }

    public override async ValueTask TruncateAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, _sizeBytes);
        if (sizeBytes == _sizeBytes)
            return;
        await FinishWriteBackAsync();
        try
        {
            Posix.Truncate(OpenFile(), sizeBytes, _path);
            _sizeBytes = sizeBytes;
            _writtenBackBytes = Math.Min(_writtenBackBytes, sizeBytes);
            await RehashAsync();
        }
        catch (IOException)
        {
            _closed = "failed and must be opened again";
            throw;
        }
    }

    public override async ValueTask ParkAsync()
    {
        await FinishWriteBackAsync();
        _direct.Close();
        if (_file is null || _isParked || (_isParked = _disk.Parked.TryAdd()))
            return;
        await SyncAndCloseAsync();
    }

    public override async ValueTask<BlobCommitOutcome> CommitAsync(Digest expected, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        if (await HashAsync(expected.Algorithm) != expected)
            return BlobCommitOutcome.DigestMismatch;
        await FinishWriteBackAsync();
        try
        {
            await _disk.Threads.RunAsync((Writer: this, expected), static work => work.Writer.Publish(work.expected));
            _closed = "is committed";
            CloseFile();
            return BlobCommitOutcome.Stored;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard();
            throw Posix.Translate(e);
        }
    }

    public override async ValueTask<bool> MatchesAsync(Digest expected, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        return await HashAsync(expected.Algorithm) == expected;
    }

    public override ValueTask<BlobReader> OpenReaderAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        OpenFile();
        _isRead = true;
        var file = Posix.Open(_path, Posix.ReadOnly);
        try
        {
            return new(new FileBlobReader(file, Posix.Examine(file, _path)));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override long Stamp => _stamp;

    public override async ValueTask DisposeAsync()
    {
        // Whatever the write-back says now, these bytes are not made a blob by this writer.
        await _writeBack.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closed ??= "is closed";
        _hash.Dispose();
        CloseFile();
    }

    private async ValueTask AppendDirectAsync(ReadOnlyMemory<byte> bytes)
    {
        bool written;
        try
        {
            written = await _disk.Threads.RunAsync(
                (_direct, bytes, _sizeBytes), static chunk => chunk._direct.TryWrite(chunk.bytes.Span, chunk._sizeBytes));
        }
        catch (IOException)
        {
            CutBack();
            throw;
        }
        if (!written)
        {
            await AppendCachedAsync(bytes);
            return;
        }
        Added(bytes.Span);
        _writtenBackBytes = _sizeBytes;
    }

    private void Added(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        _sizeBytes += bytes.Length;
    }

    // The next window starts before the one before it is awaited, so that the disk is never idle in between.
    private async ValueTask WriteBackAsync()
    {
        var (before, from, length) = (_writeBack, _writtenBackBytes, _sizeBytes - _writtenBackBytes);
        _writtenBackBytes = _sizeBytes;
        _writeBack = WriteBackAsync(before, OpenFile(), from, length);
        await AwaitWriteBackAsync(before);
    }

    private async Task WriteBackAsync(Task before, SafeFileHandle file, long from, long length)
    {
        await _disk.Threads.RunAsync((file, from, length, _path), static range =>
        {
            Posix.WriteBack(range.file, range.from, range.length, range._path);
            return true;
        });
        await before;
    }

    private ValueTask FinishWriteBackAsync() => _writeBack.IsCompletedSuccessfully ? default : AwaitWriteBackAsync(_writeBack);

    private async ValueTask AwaitWriteBackAsync(Task writeBack)
    {
        try
        {
            await writeBack;
        }
        catch (IOException)
        {
            Discard();
            throw;
        }
    }

    // After a failed sync the kernel may call the pages clean, and a second sync would succeed for bytes that are lost.
    // So these bytes are never tried again.
    private void Discard()
    {
        _closed = "could not be written to the disk";
        CloseFile();
        File.Delete(_path);
    }

    private bool Publish(Digest digest)
    {
        var file = OpenFile();
        var stored = RandomAccess.GetLength(file);
        if (stored != _sizeBytes)
            throw new IOException($"the upload {Upload} holds {stored} bytes instead of {_sizeBytes}");
        _stamp = _disk.Files.Publish(file, _path, digest);
        return true;
    }

    private SafeFileHandle OpenFile()
    {
        if (_file is not null && !_isParked)
            return _file;
        Unpark();
        if (!_exists)
        {
            _file = Posix.Open(_path, Posix.ReadWrite | Posix.Create | Posix.Exclusive, OwnerOnly);
            _exists = true;
            return _file;
        }
        _file ??= Posix.Open(_path, Posix.ReadWrite);
        var stored = RandomAccess.GetLength(_file);
        if (stored == _sizeBytes)
            return _file;
        CloseFile();
        throw new IOException($"the upload {Upload} holds {stored} bytes instead of {_sizeBytes}: something else wrote to '{_path}'");
    }

    private async Task SyncAndCloseAsync()
    {
        try
        {
            await _disk.Threads.RunAsync((File: _file!, Path: _path), static work =>
            {
                Posix.SyncData(work.File, work.Path);
                return true;
            });
            CloseFile();
        }
        catch (IOException)
        {
            Discard();
            throw;
        }
    }

    private void Unpark()
    {
        if (_isParked)
            _disk.Parked.Remove();
        _isParked = false;
    }

    // Without a sync: of a file that is committed or gone, or whose hash is forgotten, so that its bytes are read before they are used again.
    private void CloseFile()
    {
        Unpark();
        _file?.Dispose();
        _file = null;
        _direct.Close();
    }

    // Part of a failed append may be in the file; without it the session goes on as if the append had not been tried.
    private void CutBack()
    {
        if (!_exists)
            return;
        try
        {
            Posix.Truncate(OpenFile(), _sizeBytes, _path);
        }
        catch (IOException)
        {
            _closed = "failed and must be opened again";
        }
    }

    private async ValueTask<Digest> HashAsync(DigestAlgorithm algorithm)
    {
        if (algorithm == _algorithm)
            return FileHash.Current(_hash, algorithm);
        using var other = await ReadHashAsync(algorithm);
        return FileHash.Current(other, algorithm);
    }

    private async ValueTask RehashAsync()
    {
        var hash = await ReadHashAsync(_algorithm);
        _hash.Dispose();
        _hash = hash;
    }

    private Task<IncrementalHash> ReadHashAsync(DigestAlgorithm algorithm) => _disk.Threads.RunAsync(
        (Writer: this, algorithm), static work => work.Writer.ReadHash(work.algorithm));

    private IncrementalHash ReadHash(DigestAlgorithm algorithm) =>
        _exists ? FileHash.Read(OpenFile(), _sizeBytes, algorithm) : FileHash.Start(algorithm);

    private void ThrowIfClosed()
    {
        if (_closed is not null)
            throw new IOException($"the upload {Upload} {_closed}");
    }
}

/// <summary>What a writer needs of its store.</summary>
internal sealed record BlobDisk(BlobFiles Files, DiskThreads Threads, ParkedFiles Parked);
