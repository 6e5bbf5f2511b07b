using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// Where blobs lie, and the one way a file becomes a blob or stops being one: sync the bytes, rename, sync the folder.
/// </summary>
internal sealed class BlobFiles(DataFolder folder, TimeProvider time)
{
    private const UnixFileMode EveryoneReads = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly FanOut _sha256 = new(folder.Blobs(DigestAlgorithm.Sha256));
    private readonly FanOut _sha512 = new(folder.Blobs(DigestAlgorithm.Sha512));

    /// <inheritdoc cref="StoreMark.FindFault"/>
    public string? FindFault() => folder.Mark.FindFault();

    /// <returns>A reader, or null only if the folders were read and hold no such name (P6).</returns>
    /// <exception cref="IOException">Something else than a file has the name: its bytes, if any, are none of ours.</exception>
    public FileBlobReader? TryOpen(Digest digest)
    {
        // A link could show bytes from outside of the store; a pipe would keep the open waiting for ever.
        var path = PathOf(digest);
        var file = Posix.TryOpen(path, Posix.ReadOnly | Posix.NoFollow | Posix.NonBlocking);
        if (file is null)
        {
            folder.Mark.ThrowIfAway();
            return null;
        }
        try
        {
            var state = Posix.Examine(file, path);
            Posix.AdviseSequential(file);
            return new FileBlobReader(file, state);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes the file a blob. When this returns, a power cut loses neither its bytes nor its name (P1).</summary>
    /// <returns>The stamp of the file as a blob; 0 if somebody else wrote to it meanwhile, so that nobody takes its bytes for those that were hashed.</returns>
    /// <exception cref="IOException">What of it is on the disk is not known; the file must not be used again.</exception>
    public long Publish(SafeFileHandle file, string path, Digest digest)
    {
        var start = time.GetTimestamp();
        Posix.SyncData(file, path);
        StorageMetrics.RecordSync(time.GetElapsedTime(start), StorageMetrics.FileTarget);
        var written = Posix.Examine(file, path);
        // In the wrong place it would be hidden as soon as the right one is back.
        folder.Mark.ThrowIfAway();
        FanOutOf(digest).Ensure(digest);
        Replace(path, digest);
        // Only now: a crash before the rename leaves an upload, which must still take bytes when it is resumed.
        File.SetUnixFileMode(file, EveryoneReads);
        SyncFolder(digest);
        var published = Posix.Examine(file, path);
        return published.ModifiedNs == written.ModifiedNs && published.SizeBytes == written.SizeBytes ? published.Stamp : 0;
    }

    /// <summary>Readies the folders of many blobs that are to be placed, with one look at each folder.</summary>
    public void EnsureFoldersOf(IEnumerable<Digest> digests)
    {
        foreach (var digest in digests.DistinctBy(digest => FanOutOf(digest).Of(digest)))
            FanOutOf(digest).Ensure(digest);
    }

    /// <summary>Renames a file whose bytes are synced into a blob's place, in a folder that is ready; its name is not durable before its folder (<see cref="FoldersOf"/>) is synced.</summary>
    /// <returns>Was there something of that name? If it was the same file, a rename does nothing at all (rename(2)), and the file still has its old name.</returns>
    public bool Place(string path, Digest digest) => Replace(path, digest);

    /// <summary>Sets the mode of a blob's file, if it is ours alone: of one with other names that would be everybody's.</summary>
    public void Protect(Digest digest)
    {
        var path = PathOf(digest);
        if (Posix.TryExamine(path) is { Links: 1 } && Posix.OwnerOf(path).User == Posix.User)
            File.SetUnixFileMode(path, EveryoneReads);
    }

    public IEnumerable<FolderSync> FoldersOf(IEnumerable<Digest> digests) => digests.Select(digest => FanOutOf(digest).Of(digest)).Distinct();

    // A file gives way to the new one at once. A folder that has taken a blob's name doesn't: a push would never heal that.
    private bool Replace(string path, Digest digest)
    {
        var target = PathOf(digest);
        var isTaken = Posix.Exists(target);
        if (isTaken && Directory.Exists(target))
            MoveAway(digest, folder.Quarantine, $"{digest}.{time.GetUtcNow().ToUnixTimeMilliseconds()}");
        Posix.Rename(path, target);
        return isTaken;
    }

    /// <returns>Null only if the folders were read and hold no such name (P6).</returns>
    public FileState? TryExamine(Digest digest)
    {
        var state = Posix.TryExamine(PathOf(digest));
        if (state is null)
            folder.Mark.ThrowIfAway();
        return state;
    }

    /// <summary>A power cut loses neither the bytes of a blob nor its name when this returns. Nothing happens if there is none.</summary>
    public void Sync(Digest digest)
    {
        var path = PathOf(digest);
        using var file = Posix.TryOpen(path, Posix.ReadOnly | Posix.NoFollow | Posix.NonBlocking);
        if (file is null)
            return;
        Posix.SyncData(file, path);
        SyncFolder(digest);
    }

    /// <summary>Moves a blob's file, whatever it holds, out of the blobs; durable. Null if there is none.</summary>
    public string? MoveAway(Digest digest, string into, string name)
    {
        var path = PathOf(digest);
        if (!Path.Exists(path) && new FileInfo(path).LinkTarget is null)
        {
            folder.Mark.ThrowIfAway();
            return null;
        }
        var target = $"{into}/{name}";
        DataFolder.CreateFolder(into, DataFolder.Owner);
        Posix.Rename(path, target);
        Posix.SyncFolder(into);
        SyncFolder(digest);
        return target;
    }

    /// <summary>
    /// Removes blobs, with one sync for all of them. A journaling file system writes changes in their order, so that with the last one all are on the
    /// disk; elsewhere a power cut may bring back files that nobody knows, which the scrub finds.
    /// </summary>
    /// <returns>Those that are perhaps still there.</returns>
    public IReadOnlyList<UnremovedBlob> Remove(IReadOnlyList<Digest> digests)
    {
        var unremoved = new List<UnremovedBlob>();
        Digest? last = null;
        foreach (var digest in digests)
        {
            if (Try(() => Delete(digest)) is { } error)
                unremoved.Add(new UnremovedBlob(digest, error));
            else
                last = digest;
        }
        if (last is { } removed && Try(() => SyncFolder(removed)) is { } unsynced)
            return [.. digests.Select(digest => new UnremovedBlob(digest, unsynced))];
        return unremoved;
    }

    private void Delete(Digest digest)
    {
        folder.Mark.ThrowIfAway();
        FanOutOf(digest).Ensure(digest);
        File.Delete(PathOf(digest));
    }

    private static IOException? Try(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (IOException e)
        {
            return e;
        }
        catch (UnauthorizedAccessException e)
        {
            return Posix.Translate(e);
        }
    }

    // A digest holds nothing but an algorithm and lower-case hex, so no path made of one leaves the folder.
    private string PathOf(Digest digest) => string.Concat(FanOutOf(digest).Of(digest).Path, "/", digest.Hex);

    private FanOut FanOutOf(Digest digest) => digest.Algorithm == DigestAlgorithm.Sha256 ? _sha256 : _sha512;

    private void SyncFolder(Digest digest)
    {
        var start = time.GetTimestamp();
        FanOutOf(digest).Of(digest).Sync();
        StorageMetrics.RecordSync(time.GetElapsedTime(start), StorageMetrics.FolderTarget);
    }
}
