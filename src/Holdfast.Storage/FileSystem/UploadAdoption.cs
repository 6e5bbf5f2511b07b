using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Makes blobs of whole files among the uploads, step by step for all of them, so that the waits of one step overlap: hash and sync the bytes, rename, sync each
/// folder once. For many there is one sync of the file system in place of all these, after the renames: until it has returned, no row knows of them.
/// </summary>
internal sealed class UploadAdoption(DataFolder folder, BlobFiles files, DiskThreads disk)
{
    // Enough for a disk to merge the syncs of clean files; hashes share the cores with everyone else.
    private const int MaxAtOnce = 8;

    // Each sync of a file or a folder is a flush of the disk's own memory, 1 to 5 ms; one of the file system writes back what others have written, too.
    private const int Many = 16;

    /// <exception cref="IOException">Of none is it known to be stored.</exception>
    public async Task<IReadOnlyList<AdoptedUpload>> RunAsync(IReadOnlyList<WholeUpload> uploads, CancellationToken cancellationToken)
    {
        var looks = new Look[uploads.Count];
        var isMany = uploads.Count >= Many && Posix.TellsOfFileSystemErrors;
        // Before anything is written: it tells of the errors since it was opened.
        using var root = isMany ? Posix.Open(folder.Uploads, Posix.ReadOnly) : null;
        await ForAllAsync(uploads.Count, i => looks[i] = Check(uploads[i], !isMany), cancellationToken);
        var stored = Enumerable.Range(0, uploads.Count).Where(i => looks[i].Outcome == AdoptionOutcome.Stored).ToList();
        if (stored.Count > 0)
        {
            // From here on a lost client must not leave half of it.
            await disk.RunAsync((this, uploads, stored), static work => work.Item1.Place(work.uploads, work.stored));
            var folders = files.FoldersOf(stored.Select(i => uploads[i].Digest)).ToList();
            // The uploads' file system is the blobs': between two, the renames would have failed.
            if (root is not null)
                await disk.RunAsync((root, folder.Uploads), static work => Posix.SyncFileSystem(work.root, work.Uploads));
            else
                await ForAllAsync(folders.Count, i => folders[i].Sync(), CancellationToken.None);
        }
        return [.. looks.Select((look, i) => look.Outcome == AdoptionOutcome.Stored ? Describe(uploads[i], look) : new AdoptedUpload(look.Outcome, Problem: look.Problem))];
    }

    private async Task ForAllAsync(int count, Action<int> act, CancellationToken cancellationToken)
    {
        var next = -1;
        int Run()
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                act(i);
            }
            return 0;
        }
        await Task.WhenAll(Enumerable.Range(0, Math.Min(MaxAtOnce, count)).Select(_ => disk.RunAsync(Run, static run => run())));
    }

    private Look Check(WholeUpload upload, bool sync)
    {
        var path = PathOf(upload.Upload);
        SafeFileHandle? file;
        try
        {
            file = Posix.TryOpen(path, Posix.ReadOnly | Posix.NoFollow | Posix.NonBlocking);
        }
        catch (IOException e)
        {
            return new Look(AdoptionOutcome.Unreadable, default, e.Message);
        }
        if (file is null)
            return new Look(AdoptionOutcome.Missing, default);
        using (file)
        {
            var found = Read(file, path, upload);
            // A failed sync is no fault of these bytes alone: what else of the store is on the disk is not known either.
            if (found.Outcome == AdoptionOutcome.Stored && sync)
                Posix.SyncData(file, path);
            return found;
        }
    }

    private static Look Read(SafeFileHandle file, string path, WholeUpload upload)
    {
        try
        {
            var state = Posix.Examine(file, path);
            if (state.SizeBytes != upload.SizeBytes)
                return new Look(AdoptionOutcome.WrongSize, state);
            if (upload.IsTrusted)
                return new Look(AdoptionOutcome.Stored, state);
            Posix.AdviseSequential(file);
            using var hash = FileHash.Read(file, state.SizeBytes, upload.Digest.Algorithm);
            return new Look(FileHash.Current(hash, upload.Digest.Algorithm) == upload.Digest ? AdoptionOutcome.Stored : AdoptionOutcome.DigestMismatch, state);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Look(AdoptionOutcome.Unreadable, default, e.Message);
        }
    }

    private void Place(IReadOnlyList<WholeUpload> uploads, List<int> stored)
    {
        folder.Mark.ThrowIfAway();
        try
        {
            files.EnsureFoldersOf(stored.Select(i => uploads[i].Digest));
            foreach (var upload in stored.Select(i => uploads[i]))
            {
                var path = PathOf(upload.Upload);
                if (files.Place(path, upload.Digest))
                    File.Delete(path);
                files.Protect(upload.Digest);
            }
        }
        catch (UnauthorizedAccessException e)
        {
            throw Posix.Translate(e);
        }
    }

    // Not the time of change: that is the rename's. Whoever writes to the file changes the time of its bytes as well, or means harm and is found by the next hash.
    private AdoptedUpload Describe(WholeUpload upload, Look look)
    {
        var now = files.TryExamine(upload.Digest) ?? throw new IOException($"the blob {upload.Digest} was taken away as it was stored");
        return now.Inode == look.State.Inode && now.ModifiedNs == look.State.ModifiedNs && now.SizeBytes == look.State.SizeBytes
            ? new AdoptedUpload(AdoptionOutcome.Stored, now.Stamp, !upload.IsTrusted)
            : new AdoptedUpload(AdoptionOutcome.Stored);
    }

    private string PathOf(Guid upload) => Path.Combine(folder.Uploads, upload.ToString("D"));

    /// <param name="State">As it was before the first byte was read.</param>
    private readonly record struct Look(AdoptionOutcome Outcome, FileState State, string? Problem = null);
}
