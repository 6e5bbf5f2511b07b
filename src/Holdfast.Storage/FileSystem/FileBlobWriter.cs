using System.Security.Cryptography;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>An upload's file and its running hash. What is written and what is hashed are always the same bytes, or the hash is dropped.</summary>
internal sealed class FileBlobWriter : BlobWriter
{
    // From here on the write goes to a disk thread while this one hashes; below it the hop costs more than it gains.
    private const int OverlapBytes = 64 * 1024;

    // Write-back starts this often, so that the last sync of a big blob finds little left to do.
    private const long WriteBackBytes = 8 * 1024 * 1024;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DigestAlgorithm _algorithm;
    private readonly string _path;
    private readonly BlobDisk _disk;
    private SafeFileHandle? _file;
    private IncrementalHash? _hash;
    private long _sizeBytes;
    private long _writtenBackBytes;
    private bool _exists;
    private bool _isParked;
    private string? _closed;

    private FileBlobWriter(Guid upload, DigestAlgorithm algorithm, string path, BlobDisk disk)
    {
        Upload = upload;
        _algorithm = algorithm;
        _path = path;
        _disk = disk;
    }

    public override Guid Upload { get; }

    public override long SizeBytes => _sizeBytes;

    public static async ValueTask<FileBlobWriter> OpenAsync(Guid upload, DigestAlgorithm algorithm, string path, BlobDisk disk)
    {
        var writer = new FileBlobWriter(upload, algorithm, path, disk) { _file = Posix.TryOpen(path, Posix.ReadWrite) };
        if (writer._file is null)
        {
            writer._hash = FileHash.Start(algorithm);
            return writer;
        }
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
        if (bytes.Length >= OverlapBytes || _hash is null)
            return AppendOverlappedAsync(bytes);
        try
        {
            Write(bytes.Span);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            CutBack();
            throw Posix.Translate(e);
        }
        _hash.AppendData(bytes.Span);
        _sizeBytes += bytes.Length;
        return default;
    }

    public override async ValueTask TruncateAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, _sizeBytes);
        if (sizeBytes == _sizeBytes)
            return;
        DropHash();
        Posix.Truncate(OpenFile(), sizeBytes, _path);
        _sizeBytes = sizeBytes;
        _writtenBackBytes = Math.Min(_writtenBackBytes, sizeBytes);
        await RehashAsync();
    }

    public override ValueTask ParkAsync()
    {
        if (_file is null || _isParked || (_isParked = _disk.Parked.TryAdd()))
            return default;
        return new(SyncAndCloseAsync());
    }

    public override async ValueTask<BlobCommitOutcome> CommitAsync(Digest expected, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        if (await HashAsync(expected.Algorithm) != expected)
            return BlobCommitOutcome.DigestMismatch;
        try
        {
            await _disk.Threads.RunAsync((Writer: this, expected), static work => work.Writer.Publish(work.expected));
            _closed = "is committed";
            return BlobCommitOutcome.Stored;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // After a failed sync the kernel may call the pages clean, and a second sync would succeed for bytes that are lost.
            // So these bytes are never tried again.
            _closed = "failed while it was stored";
            File.Delete(_path);
            throw Posix.Translate(e);
        }
        finally
        {
            Close();
        }
    }

    public override ValueTask DisposeAsync()
    {
        _closed ??= "is closed";
        DropHash();
        Close();
        return default;
    }

    private async ValueTask AppendOverlappedAsync(ReadOnlyMemory<byte> bytes)
    {
        if (_hash is null)
            await RehashAsync();
        var writing = _disk.Threads.RunAsync((Writer: this, bytes), static work => work.Writer.Write(work.bytes.Span));
        _hash!.AppendData(bytes.Span);
        try
        {
            await writing;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            DropHash();
            CutBack();
            throw Posix.Translate(e);
        }
        _sizeBytes += bytes.Length;
    }

    private bool Write(ReadOnlySpan<byte> bytes)
    {
        var file = OpenFile();
        RandomAccess.Write(file, bytes, _sizeBytes);
        var end = _sizeBytes + bytes.Length;
        if (end - _writtenBackBytes >= WriteBackBytes)
        {
            Posix.StartWriteBack(file, _writtenBackBytes, end - _writtenBackBytes);
            _writtenBackBytes = end;
        }
        return true;
    }

    private bool Publish(Digest digest)
    {
        var file = OpenFile();
        var stored = RandomAccess.GetLength(file);
        if (stored != _sizeBytes)
            throw new IOException($"the upload {Upload} holds {stored} bytes instead of {_sizeBytes}");
        _disk.Files.Publish(file, _path, digest);
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
        Close();
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
        }
        catch (IOException)
        {
            // As after a failed sync of a commit, these bytes are never tried again.
            _closed = "failed while it was parked";
            File.Delete(_path);
            throw;
        }
        finally
        {
            Close();
        }
    }

    // Without a sync: of a file that is committed or gone, or whose hash is forgotten, so that its bytes are read before they are used again.
    private void Close()
    {
        Unpark();
        _file?.Dispose();
        _file = null;
    }

    private void Unpark()
    {
        if (_isParked)
            _disk.Parked.Remove();
        _isParked = false;
    }

    // Part of a failed append may be in the file; without it the session goes on as if the append had not been tried.
    private void CutBack()
    {
        if (!_exists)
            return;
        try
        {
            Posix.Truncate(OpenFile(), _sizeBytes, _path);
            _writtenBackBytes = Math.Min(_writtenBackBytes, _sizeBytes);
        }
        catch (IOException)
        {
            _closed = "failed and must be opened again";
        }
    }

    private async ValueTask<Digest> HashAsync(DigestAlgorithm algorithm)
    {
        if (algorithm == _algorithm)
        {
            if (_hash is null)
                await RehashAsync();
            return FileHash.Current(_hash!, algorithm);
        }
        using var other = await ReadHashAsync(algorithm);
        return FileHash.Current(other, algorithm);
    }

    private async ValueTask RehashAsync()
    {
        DropHash();
        _hash = await ReadHashAsync(_algorithm);
    }

    private Task<IncrementalHash> ReadHashAsync(DigestAlgorithm algorithm) => _disk.Threads.RunAsync(
        (Writer: this, algorithm), static work => work.Writer.ReadHash(work.algorithm));

    private IncrementalHash ReadHash(DigestAlgorithm algorithm) =>
        _exists ? FileHash.Read(OpenFile(), _sizeBytes, algorithm) : FileHash.Start(algorithm);

    private void DropHash()
    {
        _hash?.Dispose();
        _hash = null;
    }

    private void ThrowIfClosed()
    {
        if (_closed is not null)
            throw new IOException($"the upload {Upload} {_closed}");
    }
}

/// <summary>What a writer needs of its store.</summary>
internal sealed record BlobDisk(BlobFiles Files, DiskThreads Threads, ParkedFiles Parked);
