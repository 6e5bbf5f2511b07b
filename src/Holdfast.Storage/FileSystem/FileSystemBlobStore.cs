using System.Runtime.CompilerServices;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>Blobs as read-only files of a <see cref="DataFolder"/>, named by their digest.</summary>
public sealed class FileSystemBlobStore : IBlobStore
{
    private readonly DataFolder _folder;
    private readonly BlobFiles _files;
    private readonly DiskThreads _disk = new();
    private readonly ParkedFiles _parked = new();

    /// <param name="folder">Stays the caller's: it must outlive the store and is not disposed with it.</param>
    /// <param name="time">Measures how long syncs take.</param>
    public FileSystemBlobStore(DataFolder folder, TimeProvider time)
    {
        _folder = folder;
        _files = new BlobFiles(folder, time);
    }

    public ValueTask<long?> FindSizeAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var reader = _files.TryOpen(digest);
        return new(reader?.SizeBytes);
    }

    public ValueTask<BlobReader?> OpenAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_files.TryOpen(digest));
    }

    public ValueTask<BlobReader?> OpenForCheckAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_files.TryOpen(digest) is { } reader ? new DiskBlobReader(reader, _disk) : null);
    }

    public async ValueTask<BlobWriter> OpenUploadAsync(Guid upload, DigestAlgorithm algorithm, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // Now rather than when all bytes have come.
        _folder.Mark.ThrowIfAway();
        _folder.EnsureUploads();
        return await FileBlobWriter.OpenAsync(upload, algorithm, UploadPath(upload), new(_files, _disk, _parked));
    }

    public async IAsyncEnumerable<StoredUpload> ListUploadsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await _disk.RunAsync(_folder.Uploads, ListUploads);
        foreach (var upload in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return upload;
        }
    }

    public ValueTask RemoveUploadAsync(Guid upload, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            File.Delete(UploadPath(upload));
            return default;
        }
        catch (UnauthorizedAccessException e)
        {
            throw Posix.Translate(e);
        }
    }

    public async ValueTask<IReadOnlyList<AdoptedUpload>> AdoptAsync(IReadOnlyList<WholeUpload> uploads, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await new UploadAdoption(_folder, _files, _disk).RunAsync(uploads, cancellationToken);
    }

    public ValueTask<BlobStatus?> FindStatusAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_files.TryExamine(digest) is { } state ? new BlobStatus(state.SizeBytes, state.Stamp) : null);
    }

    public async IAsyncEnumerable<StoredName> ListAsync(string? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _folder.Mark.ThrowIfAway();
        foreach (var folder in BlobNames.Folders(_folder.Path, after))
        {
            var names = await _disk.RunAsync((_folder.Path, folder, after), static work => BlobNames.In(work.Path, work.folder, work.after));
            foreach (var name in names)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return name;
            }
        }
    }

    public async ValueTask SyncAsync(Digest digest, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _disk.RunAsync((_files, digest), static work => work._files.Sync(work.digest));
    }

    public async ValueTask<string?> QuarantineAsync(Digest digest, DateTimeOffset now, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var name = $"{digest}.{now.ToUnixTimeMilliseconds()}";
        return await _disk.RunAsync(
            (_files, digest, _folder.Quarantine, name), static work => work._files.MoveAway(work.digest, work.Quarantine, work.name));
    }

    public async ValueTask<IReadOnlyList<QuarantinedFile>> TrimQuarantineAsync(
        QuarantineBound bound, DateTimeOffset now, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _disk.RunAsync((_folder.Quarantine, bound, now), static work => QuarantineFolder.Trim(work.Quarantine, work.bound, work.now));
    }

    public ValueTask<IReadOnlyList<UnremovedBlob>> RemoveAsync(IReadOnlyList<Digest> digests, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_disk.RunAsync((_files, digests), static work => work._files.Remove(work.digests)));
    }

    public string? FindFault() => _files.FindFault();

    public StoreSpace? MeasureSpace()
    {
        var drive = new DriveInfo(_folder.Path);
        return new StoreSpace(drive.AvailableFreeSpace, drive.TotalSize);
    }

    public ValueTask DisposeAsync()
    {
        _disk.Dispose();
        return default;
    }

    private string UploadPath(Guid upload) => Path.Combine(_folder.Uploads, upload.ToString("D"));

    private static List<StoredUpload> ListUploads(string folder)
    {
        var uploads = new List<StoredUpload>();
        try
        {
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
            {
                // The length is asked of the file now: between the listing and here a commit may have renamed it away.
                if (Guid.TryParseExact(file.Name, "D", out var id) && file.Exists)
                    uploads.Add(new StoredUpload(id, file.Length, new DateTimeOffset(file.LastWriteTimeUtc)));
            }
            return uploads;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Posix.Translate(e);
        }
    }
}
