using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Native;

/// <summary>The calls that bring a file in without reading it.</summary>
public static partial class Posix
{
    private const int FollowPath = 0x400;

    // FICLONE of linux/fs.h, the same on every architecture that has it.
    private const nuint CloneFile = 0x40049409;

    private const int NotPermitted = 1;
    private const int AccessDenied = 13;
    private const int CrossDevice = 18;
    private const int NoSuchCall = 25; // ENOTTY: what a file system says that has never heard of it.
    private const int TooManyLinks = 31;
    internal const int NotSupported = 95;

    /// <summary>Whose an open file is.</summary>
    public static uint OwnerOf(SafeFileHandle file, string path)
    {
        Span<byte> stat = stackalloc byte[256];
        Check(statx(file, "", EmptyPath, StatOwner, ref MemoryMarshal.GetReference(stat)), "examine", path);
        return BitConverter.ToUInt32(stat[20..]);
    }

    /// <summary>Gives an open file one more name: exactly this file, whatever has its old name by now.</summary>
    /// <returns>Null if it has it; else why files like this one can't have one there.</returns>
    /// <exception cref="IOException">It failed for another reason: no room, the name is taken, the file's last name is gone.</exception>
    public static string? TryLink(SafeFileHandle file, string path)
    {
        // Through /proc, since linking a descriptor itself needs a privilege (open(2), O_TMPFILE).
        if (linkat(CurrentFolder, $"/proc/self/fd/{file.DangerousGetHandle()}", CurrentFolder, path, FollowPath) == 0)
            return null;
        var error = Marshal.GetLastPInvokeError();
        return error switch
        {
            CrossDevice => "it is on another file system, or another mount of the same",
            NotPermitted or AccessDenied => "it belongs to another user (fs.protected_hardlinks; run this as root), or the file system has no hard links",
            TooManyLinks => "it has as many links as the file system allows",
            NotSupported => "the file system has no hard links",
            _ => throw Fault(error, "link", path),
        };
    }

    /// <summary>Makes an empty file share the bytes of another, until one of them is written to.</summary>
    /// <returns>Null if it does; else why it can't.</returns>
    /// <exception cref="IOException">It failed for another reason.</exception>
    public static string? TryClone(SafeFileHandle from, SafeFileHandle to, string path)
    {
        if (ioctl(to, CloneFile, from.DangerousGetHandle()) == 0)
            return null;
        var error = Marshal.GetLastPInvokeError();
        return error switch
        {
            CrossDevice => "it is on another file system",
            NotSupported or NoSuchCall or InvalidArgument or NotPermitted => "the file system has no reflinks",
            _ => throw Fault(error, "clone", path),
        };
    }

    /// <summary>Does <see cref="SyncFileSystem"/> tell of errors? Linux does since 5.8.</summary>
    public static bool TellsOfFileSystemErrors { get; } = Environment.OSVersion.Version >= new Version(5, 8);

    /// <summary>All that was written to the file system of an open folder, bytes and names, is on the disk when this returns.</summary>
    public static void SyncFileSystem(SafeFileHandle folder, string path) => Check(syncfs(folder), "sync the file system of", path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int syncfs(SafeFileHandle folder);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int linkat(int folder, string path, int newFolder, string newPath, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle file, nuint request, nint argument);
}
