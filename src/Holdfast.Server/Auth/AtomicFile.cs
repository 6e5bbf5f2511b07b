using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Server.Auth;

/// <summary>Replaces a small secret file so that a reader, and a power cut, see the old bytes or the new ones and nothing between.</summary>
public static partial class AtomicFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // O_RDONLY | O_DIRECTORY | O_CLOEXEC is the same on every Linux that .NET runs on but for O_DIRECTORY; opening without it is enough.
    private const int OpenReadOnlyCloseOnExec = 0x80000;

    /// <summary>Writes a file for its owner only (0600), in the place of one that may be there.</summary>
    /// <exception cref="IOException">It can't be written; nothing of it is left.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes) => Write(path, bytes, like: null);

    /// <summary>Writes the bytes beside the file, syncs them, renames them over it and syncs the folder.</summary>
    /// <param name="like">Whose mode and owner the file keeps; null: a new file, for its owner only (0600).</param>
    internal static void Write(string path, ReadOnlySpan<byte> bytes, FileStamp? like)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Path.GetRandomFileName()}");
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.None,
                UnixCreateMode = OwnerOnly,
            };
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(bytes);
                if (like is { } stamp)
                    TakeOver(stream.SafeFileHandle, stamp, path);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        SyncFolder(folder);
    }

    private static void TakeOver(SafeFileHandle handle, FileStamp stamp, string path)
    {
        if (stamp.Owner != GetEffectiveUser() || stamp.Group != GetEffectiveGroup())
        {
            if (ChangeOwner(handle, stamp.Owner, stamp.Group) != 0)
                throw new IOException($"{path}: cannot keep its owner {stamp.Owner}:{stamp.Group}: {LastError()}");
        }
        File.SetUnixFileMode(handle, stamp.Mode);
    }

    private static void SyncFolder(string folder)
    {
        using var handle = Open(folder, OpenReadOnlyCloseOnExec);
        if (handle.IsInvalid || Sync(handle) != 0)
            throw new IOException($"{folder}: cannot sync the folder: {LastError()}");
    }

    private static string LastError() => new Win32Exception(Marshal.GetLastPInvokeError()).Message;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ChangeOwner(SafeFileHandle handle, uint owner, uint group);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint GetEffectiveGroup();
}
