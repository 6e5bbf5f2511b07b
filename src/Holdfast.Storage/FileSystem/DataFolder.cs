using System.Text;
using Holdfast.Oci;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.FileSystem;

/// <summary>
/// The data folder and its layout, held for this process alone while it is open. Dispose gives it free.
/// </summary>
public sealed class DataFolder : IDisposable
{
    internal const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // The operator's group may look into the top folder (sizes, the socket's place) but not into what it holds.
    private const UnixFileMode OwnerAndGroup = Owner | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private readonly SafeFileHandle _lock;

    private DataFolder(string path, SafeFileHandle @lock) => (Path, _lock, Mark) = (path, @lock, new StoreMark(this));

    /// <summary>The full path.</summary>
    public string Path { get; }

    public string DatabaseFile => System.IO.Path.Combine(Path, "holdfast.db");

    public string Quarantine => System.IO.Path.Combine(Path, "quarantine");

    public string Journal => JournalOf(Path);

    public string Uploads => System.IO.Path.Combine(Path, "uploads");

    internal static string JournalOf(string path) => System.IO.Path.Combine(path, "journal");

    internal StoreMark Mark { get; }

    internal string Blobs(DigestAlgorithm algorithm) => System.IO.Path.Combine(Path, "blobs", algorithm.Name());

    /// <summary>Creates what is missing of the layout, durably, and takes the lock.</summary>
    /// <exception cref="DataFolderInUseException">Another process has the folder open.</exception>
    /// <exception cref="IOException">The folder can't be created, read or locked.</exception>
    public static DataFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            CreateFolder(path, OwnerAndGroup);
            var folder = new DataFolder(path, TakeLock(path));
            try
            {
                folder.CreateLayout();
                return folder;
            }
            catch
            {
                folder.Dispose();
                throw;
            }
        }
        catch (UnauthorizedAccessException e)
        {
            throw Posix.Translate(e);
        }
    }

    /// <summary>
    /// Gives what this process wrote as root, beside the blobs, to the folder's owner: the server that runs as him couldn't read it. Does nothing for anybody else.
    /// </summary>
    /// <exception cref="IOException">An owner can't be changed here.</exception>
    public void GiveToOwner()
    {
        if (!Posix.IsRoot)
            return;
        var (user, group) = Posix.OwnerOf(Path);
        var blobs = System.IO.Path.Combine(Path, "blobs");
        foreach (var folder in (ReadOnlySpan<string>)[Path, Journal, Quarantine, blobs])
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries(folder))
            {
                if (Posix.OwnerOf(entry).User == 0 && user != 0)
                    Posix.ChangeOwner(entry, user, group);
            }
        }
    }

    /// <summary>As <see cref="GiveToOwner"/>, the blobs and their folders too; a file that has other names as well is somebody else's, and stays theirs.</summary>
    /// <exception cref="IOException">An owner can't be changed here.</exception>
    public void GiveAllToOwner()
    {
        GiveToOwner();
        var (user, group) = Posix.OwnerOf(Path);
        if (!Posix.IsRoot || user == 0)
            return;
        foreach (var folder in (ReadOnlySpan<string>)[Uploads, Blobs(DigestAlgorithm.Sha256), Blobs(DigestAlgorithm.Sha512)])
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories))
            {
                if (Posix.OwnerOf(entry).User == 0 && (Directory.Exists(entry) || Posix.TryExamine(entry) is { Links: 1 }))
                    Posix.ChangeOwner(entry, user, group);
            }
        }
    }

    public void Dispose()
    {
        // Said aloud, because a child that is just being forked holds the lock's file open a moment longer.
        if (!_lock.IsClosed)
            Posix.Unlock(_lock);
        _lock.Dispose();
    }

    /// <summary>Makes the folder of the uploads again, if somebody took it away: else no push would work until a restart (P5).</summary>
    internal void EnsureUploads()
    {
        try
        {
            CreateFolder(Uploads, Owner);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Posix.Translate(e);
        }
    }

    private void CreateLayout()
    {
        Mark.Prepare();
        foreach (var folder in (ReadOnlySpan<string>)[Uploads, Quarantine, Journal])
            CreateFolder(folder, Owner);
        foreach (var algorithm in (ReadOnlySpan<DigestAlgorithm>)[DigestAlgorithm.Sha256, DigestAlgorithm.Sha512])
            CreateFolder(Blobs(algorithm), Owner);
        RequireOneMount();
    }

    // An upload becomes a blob by a rename. Blobs that can only be read are served all the same.
    private void RequireOneMount()
    {
        foreach (var folder in (ReadOnlySpan<string>)[Blobs(DigestAlgorithm.Sha256), Blobs(DigestAlgorithm.Sha512)])
        {
            if (Posix.AreOnOneMount(Uploads, folder) || Posix.IsOnReadOnlyMount(folder))
                continue;
            throw new IOException($"'{folder}' and '{Uploads}' lie on different mounts, between which no file can be renamed, so that no push would work: "
                + $"mount the disk that is for the blobs at '{Path}' itself, with all that lies there");
        }
    }

    internal static void CreateFolder(string path, UnixFileMode mode)
    {
        if (Directory.Exists(path))
            return;
        var parent = System.IO.Path.GetDirectoryName(path);
        if (parent is not null)
            CreateFolder(parent, OwnerAndGroup);
        Directory.CreateDirectory(path, mode);
        if (parent is not null)
            Posix.SyncFolder(parent);
    }

    private static SafeFileHandle TakeLock(string path)
    {
        var file = System.IO.Path.Combine(path, "lock");
        var handle = Posix.Open(file, Posix.ReadWrite | Posix.Create, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Span<byte> text = stackalloc byte[16];
        if (!Posix.TryLock(handle, file))
        {
            var read = RandomAccess.Read(handle, text, 0);
            handle.Dispose();
            throw new DataFolderInUseException(path, Encoding.ASCII.GetString(text[..read]).Trim());
        }
        Encoding.ASCII.TryGetBytes($"{Environment.ProcessId}\n", text, out var length);
        Posix.Truncate(handle, 0, file);
        RandomAccess.Write(handle, text[..length], 0);
        return handle;
    }
}

/// <summary>Another process has the data folder open.</summary>
public sealed class DataFolderInUseException(string path, string process)
    : IOException($"the data folder '{path}' is in use by another process{(process.Length > 0 ? $" (pid {process})" : "")}")
{
}
