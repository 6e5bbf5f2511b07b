using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Simulation.Scheduling;

namespace Simulation.Disk;

/// <summary>An upload on the simulated disk. Commit goes the same steps as over files: sync the bytes, rename, sync the folder.</summary>
internal sealed class SimulatedWriter(SimulatedBlobStore store, Guid upload, SimulatedFile? file) : BlobWriter
{
    private SimulatedFile? _file = file;
    private long _stamp;
    private string? _closed;

    private SimulatedDisk Disk => store.Disk;

    public override Guid Upload => upload;

    public override long SizeBytes => _file?.Bytes.Length ?? 0;

    public override long Stamp => _stamp;

    public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        if (bytes.IsEmpty)
            return;
        try
        {
            await store.StepAsync("append", default, Faults.Any);
        }
        catch (IOException e) when (e is not StoreFullException)
        {
            // As after a failed write-back: what was stored before may be lost.
            Discard();
            throw;
        }
        lock (Disk)
        {
            _file ??= Disk.Create(upload);
            Disk.Write(_file, [.. _file.Bytes, .. bytes.Span]);
        }
    }

    public override async ValueTask TruncateAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, SizeBytes);
        await store.StepAsync("truncate", default, Faults.InputOutput);
        lock (Disk)
        {
            if (sizeBytes < SizeBytes)
                Disk.Write(_file!, _file!.Bytes[..(int)sizeBytes]);
        }
    }

    public override ValueTask ParkAsync() => default;

    public override ValueTask<bool> MatchesAsync(Digest expected, CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        return new(Digest.Compute(expected.Algorithm, _file?.Bytes ?? []) == expected);
    }

    public override async ValueTask<BlobReader> OpenReaderAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        await store.StepAsync("open what is uploaded", default, Faults.InputOutput);
        lock (Disk)
            _file ??= Disk.Create(upload);
        return store.ReaderOf(_file);
    }

    public override async ValueTask<BlobCommitOutcome> CommitAsync(Digest expected, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        if (Digest.Compute(expected.Algorithm, _file?.Bytes ?? []) != expected)
            return BlobCommitOutcome.DigestMismatch;
        try
        {
            await store.StepAsync("sync", expected, Faults.Any);
            lock (Disk)
            {
                _file ??= Disk.Create(upload);
                _file.Synced = _file.Bytes;
            }
            var written = _file.Bytes;
            await store.StepAsync("rename", expected, Faults.Any);
            if (Disk.Unreadable.Contains(expected))
                throw new IOException("simulated: something else has the blob's name");
            lock (Disk)
                Disk.Rename(upload, expected);
            await store.StepAsync("sync folder", expected, Faults.InputOutput);
            lock (Disk)
                Disk.SyncFolder(expected);
            _stamp = ReferenceEquals(_file.Bytes, written) ? _file.Stamp : 0;
            _closed = "is committed";
            return BlobCommitOutcome.Stored;
        }
        catch (IOException)
        {
            Discard();
            throw;
        }
    }

    public override ValueTask DisposeAsync()
    {
        _closed ??= "is closed";
        return default;
    }

    private void Discard()
    {
        _closed = "could not be written to the disk";
        lock (Disk)
            Disk.Remove(upload);
    }

    private void ThrowIfClosed()
    {
        if (_closed is not null)
            throw new IOException($"the upload {upload} {_closed}");
    }
}
