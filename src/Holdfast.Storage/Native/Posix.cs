using System.ComponentModel;
using System.Runtime.InteropServices;
using Holdfast.Storage.Blobs;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Native;

/// <summary>The Linux calls that .NET lacks or softens (it can't sync a folder, and a move between file systems silently becomes a copy), for the store and for the doctor.</summary>
public static partial class Posix
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlocking = 0x800;

    // The flags whose values are the processor's.
    public static readonly int NoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;
    private static readonly int Direct = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    private const int CloseOnExec = 0x80000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int LockRelease = 8;
    private const uint SyncFileRangeWrite = 2;
    private const uint SyncFileRangeWaitAfter = 4;
    private const int GetStatusFlags = 3;
    private const int SetStatusFlags = 4;
    private const int AdviceSequential = 2;
    private const int AdviceDoNotNeed = 4;
    private const int KeepSize = 1;

    private const int EmptyPath = 0x1000;
    private const int NoFollowPath = 0x100;
    private const int CurrentFolder = -100;
    private const uint StatOwner = 0x18; // user, group
    private const uint StatMount = 0x1000;
    private const uint StatFields = 0x7c5; // type, links, times, inode, size
    private const int FileTypeMask = 0xF000;
    private const int RegularFile = 0x8000;

    private const int NoEntry = 2;
    internal const int InvalidArgument = 22;
    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int MayWrite = 2;
    private const int LinksInTheWay = 40;
    private const int QuotaExceeded = 122;

    /// <returns>The open file, or null if there is none of that name (and <see cref="Create"/> wasn't asked for).</returns>
    public static SafeFileHandle? TryOpen(string path, int flags, UnixFileMode mode = UnixFileMode.None)
    {
        while (true)
        {
            var descriptor = open(path, flags | CloseOnExec, (uint)mode);
            if (descriptor >= 0)
                return new SafeFileHandle(descriptor, ownsHandle: true);
            var error = Marshal.GetLastPInvokeError();
            if (error == NoEntry && (flags & Create) == 0)
                return null;
            if (error != Interrupted)
                throw Fault(error, "open", path);
        }
    }

    public static SafeFileHandle Open(string path, int flags, UnixFileMode mode = UnixFileMode.None) =>
        TryOpen(path, flags, mode) ?? throw Fault(NoEntry, "open", path);

    /// <returns>The file, open for writing past the page cache; null if its file system can't.</returns>
    public static SafeFileHandle? TryOpenDirect(string path)
    {
        var descriptor = open(path, ReadWrite | Direct | CloseOnExec, 0);
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        var error = Marshal.GetLastPInvokeError();
        return error == InvalidArgument ? null : throw Fault(error, "open", path);
    }

    /// <returns>False if the file system doesn't take such a write (only a direct one can be refused so).</returns>
    public static unsafe bool TryWrite(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offsetBytes, string path)
    {
        fixed (byte* start = bytes)
        {
            var written = 0;
            while (written < bytes.Length)
            {
                var count = pwrite(file, start + written, (nuint)(bytes.Length - written), offsetBytes + written);
                if (count >= 0)
                {
                    written += (int)count;
                    continue;
                }
                var error = Marshal.GetLastPInvokeError();
                if (error == InvalidArgument)
                    return false;
                if (error != Interrupted)
                    throw Fault(error, "write", path);
            }
        }
        return true;
    }

    /// <summary>Looks at an open file.</summary>
    /// <exception cref="IOException">It is something else than a file: a folder, a pipe, a device.</exception>
    public static FileState Examine(SafeFileHandle file, string path)
    {
        Span<byte> stat = stackalloc byte[256];
        Check(statx(file, "", EmptyPath, StatFields, ref MemoryMarshal.GetReference(stat)), "examine", path);
        return ReadState(stat, path);
    }

    /// <summary>Looks at a file without opening it; null if there is none of that name.</summary>
    /// <exception cref="IOException">It is something else than a file, a link too, or can't be looked at.</exception>
    public static FileState? TryExamine(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        if (statx(CurrentFolder, path, NoFollowPath, StatFields, ref MemoryMarshal.GetReference(stat)) == 0)
            return ReadState(stat, path);
        var error = Marshal.GetLastPInvokeError();
        return error == NoEntry ? null : throw Fault(error, "examine", path);
    }

    /// <summary>Is there anything of that name? A link counts, wherever it leads.</summary>
    public static bool Exists(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        if (statx(CurrentFolder, path, NoFollowPath, 0, ref MemoryMarshal.GetReference(stat)) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error == NoEntry ? false : throw Fault(error, "examine", path);
    }

    public static uint User => geteuid();

    public static bool IsRoot => User == 0;

    /// <summary>Whose something is: a file, a folder, or a link itself.</summary>
    public static (uint User, uint Group) OwnerOf(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        Check(statx(CurrentFolder, path, NoFollowPath, StatOwner, ref MemoryMarshal.GetReference(stat)), "examine", path);
        return (BitConverter.ToUInt32(stat[20..]), BitConverter.ToUInt32(stat[24..]));
    }

    /// <summary>Of a link, the link's own.</summary>
    public static void ChangeOwner(string path, uint user, uint group) => Check(lchown(path, user, group), "change the owner of", path);

    /// <summary>Can a file be renamed from one folder into another? Not between two mounts, even of one disk.</summary>
    public static bool AreOnOneMount(string folder, string other) => MountOf(folder) == MountOf(other);

    /// <summary>Does its file system take no writes at all?</summary>
    public static bool IsOnReadOnlyMount(string path) => access(path, MayWrite) != 0 && Marshal.GetLastPInvokeError() == ReadOnlyFileSystem;

    // The device, and the mount, which kernels before 5.8 don't tell.
    private static (ulong Device, ulong Mount) MountOf(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        Check(statx(CurrentFolder, path, 0, StatMount, ref MemoryMarshal.GetReference(stat)), "examine", path);
        return (BitConverter.ToUInt64(stat[136..]), (BitConverter.ToUInt32(stat) & StatMount) == 0 ? 0 : BitConverter.ToUInt64(stat[144..]));
    }

    // struct statx is the same on every architecture.
    private static FileState ReadState(ReadOnlySpan<byte> stat, string path)
    {
        if ((BitConverter.ToUInt16(stat[28..]) & FileTypeMask) != RegularFile)
            throw new IOException($"'{path}' is not a file");
        return new FileState(
            SizeBytes: BitConverter.ToInt64(stat[40..]),
            Inode: BitConverter.ToInt64(stat[32..]),
            Links: BitConverter.ToUInt32(stat[16..]),
            ChangedNs: Nanoseconds(stat[96..]),
            ModifiedNs: Nanoseconds(stat[112..]));
    }

    private static long Nanoseconds(ReadOnlySpan<byte> time) =>
        unchecked((BitConverter.ToInt64(time) * 1_000_000_000) + BitConverter.ToUInt32(time[8..]));

    /// <summary>Reads of an open file go past the page cache from now on, or through it again.</summary>
    /// <returns>False if the file system can't do that.</returns>
    public static bool TrySetDirect(SafeFileHandle file, bool isDirect)
    {
        var flags = fcntl(file, GetStatusFlags, 0);
        return flags >= 0 && fcntl(file, SetStatusFlags, isDirect ? flags | Direct : flags & ~Direct) == 0;
    }

    /// <summary>Lets the kernel read further ahead. Only a hint.</summary>
    public static void AdviseSequential(SafeFileHandle file) => _ = posix_fadvise(file, 0, 0, AdviceSequential);

    /// <summary>Lets the kernel forget what it remembers of a range, so that the next read comes from the disk. Only a hint; what is not yet written back stays.</summary>
    public static void AdviseForget(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        _ = posix_fadvise(file, offsetBytes, lengthBytes, AdviceDoNotNeed);

    /// <summary>Sets room aside for a file's first bytes, whether or not it has that many yet; its length stays.</summary>
    /// <returns>False if the file system can't do that or has no room.</returns>
    public static bool TryReserve(SafeFileHandle file, long lengthBytes) => fallocate(file, KeepSize, 0, lengthBytes) == 0;

    /// <returns>False if another open file holds the lock.</returns>
    public static bool TryLock(SafeFileHandle file, string path)
    {
        if (flock(file, LockExclusive | LockNonBlocking) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error == WouldBlock ? false : throw Fault(error, "lock", path);
    }

    public static void Unlock(SafeFileHandle file) => _ = flock(file, LockRelease);

    /// <summary>The bytes and what is needed to read them back are on the disk when this returns.</summary>
    public static void SyncData(SafeFileHandle file, string path) => Check(fdatasync(file), "sync", path);

    /// <summary>The names in a folder are on the disk when this returns.</summary>
    public static void SyncFolder(string path)
    {
        using var folder = Open(path, ReadOnly);
        Check(fsync(folder), "sync", path);
    }

    /// <summary>
    /// Writes a range back and waits for it. An error counts as much as one of <see cref="SyncData"/>: the kernel tells it only once.
    /// The size and place of the bytes are not synced by this.
    /// </summary>
    public static void WriteBack(SafeFileHandle file, long offsetBytes, long lengthBytes, string path) =>
        Check(sync_file_range(file, offsetBytes, lengthBytes, SyncFileRangeWrite | SyncFileRangeWaitAfter), "write back", path);

    /// <summary>Hands bytes of a file to a socket that doesn't block, inside the kernel.</summary>
    /// <returns>Bytes taken; 0 if none were, for whatever reason.</returns>
    public static int TrySend(SafeHandle socket, SafeFileHandle file, long offsetBytes, int countBytes)
    {
        try
        {
            return (int)Math.Max(0, sendfile(socket, file, ref offsetBytes, (nuint)countBytes));
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    public static void Rename(string from, string to) => Check(rename(from, to), "rename", to);

    public static void Truncate(SafeFileHandle file, long sizeBytes, string path) => Check(ftruncate(file, sizeBytes), "truncate", path);

    /// <summary>An error of .NET's file calls as the seam's exception.</summary>
    public static IOException Translate(Exception error) => error switch
    {
        StoreFullException full => full,
        IOException { HResult: NoSpace or QuotaExceeded } io => new StoreFullException(io.Message, io),
        IOException { HResult: ReadOnlyFileSystem } io and not StoreUnwritableException => new StoreUnwritableException(io.Message, io),
        IOException io => io,
        _ => new IOException(error.Message, error),
    };

    private static void Check(int result, string call, string path)
    {
        // fsync's EINTR is not retried: a sync whose outcome isn't known has failed.
        if (result != 0)
            throw Fault(Marshal.GetLastPInvokeError(), call, path);
    }

    private static IOException Fault(int error, string call, string path)
    {
        var message = $"cannot {call} '{path}': {Marshal.GetPInvokeErrorMessage(error)}";
        var cause = new Win32Exception(error);
        return error switch
        {
            NoSpace or QuotaExceeded => new StoreFullException(message, cause),
            ReadOnlyFileSystem => new StoreUnwritableException(message, cause),
            LinksInTheWay => new LinkedAwayException(path, cause),
            AccessDenied => new AccessDeniedException(message, cause),
            _ => new IOException(message, cause),
        };
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(SafeFileHandle file, string path, int flags, uint mask, ref byte stat);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte stat);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int access(string path, int mode);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, uint user, uint group);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint pwrite(SafeFileHandle file, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sync_file_range(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc")]
    private static partial nint sendfile(SafeHandle socket, SafeFileHandle file, ref long offset, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(SafeFileHandle file, long length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);
}
