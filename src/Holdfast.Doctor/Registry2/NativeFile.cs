using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Doctor.Registry2;

internal enum EntryKind
{
    File,
    Folder,
    Link,
    Other,
}

/// <param name="User">Whose it is.</param>
internal readonly record struct EntryState(EntryKind Kind, long SizeBytes, DateTimeOffset ModifiedAt, uint User, uint Group, ushort Mode);

/// <summary>The Linux calls that .NET lacks: a look and an opening that follow no link.</summary>
internal static partial class NativeFile
{
    private const int ReadOnly = 0;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int CurrentFolder = -100;
    private const int NoFollowPath = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint StatFields = 0x7df; // type, mode, links, user, group, times, inode, size; no access time's cost
    private const int TypeMask = 0xF000;

    private const int NoEntry = 2;
    private const int Interrupted = 4;
    private const int Denied = 13;
    private const int NotAFolder = 20;
    private const int TooManyLinks = 40;

    private static readonly int NoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <returns>The open file or folder, or null if there is none of that name.</returns>
    /// <exception cref="IOException">It is a link, or can't be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static SafeFileHandle? TryOpen(string path)
    {
        while (true)
        {
            // A pipe that someone put there would keep the open waiting for ever.
            var descriptor = open(path, ReadOnly | NonBlocking | CloseOnExec | NoFollow, 0);
            if (descriptor >= 0)
                return new SafeFileHandle(descriptor, ownsHandle: true);
            var error = Marshal.GetLastPInvokeError();
            if (error is NoEntry or NotAFolder)
                return null;
            if (error == TooManyLinks)
                throw new LinkedAwayException(path);
            if (error != Interrupted)
                throw Fault(error, "open", path);
        }
    }

    /// <returns>Null if there is nothing of that name. A link is looked at itself.</returns>
    public static EntryState? TryExamine(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        if (statx(CurrentFolder, path, NoFollowPath, StatFields, ref MemoryMarshal.GetReference(stat)) == 0)
            return Read(stat);
        var error = Marshal.GetLastPInvokeError();
        return error is NoEntry or NotAFolder ? null : throw Fault(error, "examine", path);
    }

    /// <summary>What tells a folder from all others on this machine, every link on the way to it followed; null if there is none.</summary>
    public static (ulong Device, ulong Inode)? TryIdentify(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        if (statx(CurrentFolder, path, 0, StatFields, ref MemoryMarshal.GetReference(stat)) == 0)
            return (BitConverter.ToUInt64(stat[136..]), BitConverter.ToUInt64(stat[32..]));
        var error = Marshal.GetLastPInvokeError();
        return error is NoEntry or NotAFolder ? null : throw Fault(error, "examine", path);
    }

    public static EntryState Examine(SafeFileHandle file, string path)
    {
        Span<byte> stat = stackalloc byte[256];
        if (statx(file, "", EmptyPath, StatFields, ref MemoryMarshal.GetReference(stat)) != 0)
            throw Fault(Marshal.GetLastPInvokeError(), "examine", path);
        return Read(stat);
    }

    /// <summary>Where an open file lies, with every link resolved.</summary>
    public static string RealPath(SafeFileHandle file) =>
        new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget ?? throw new IOException("/proc/self/fd can't be read");

    /// <param name="folder">A path with every link resolved, as far as anybody knows.</param>
    /// <exception cref="LinkedAwayException">By now it lies behind a link.</exception>
    public static void ThrowIfElsewhere(string folder)
    {
        using var open = TryOpen(folder) ?? throw new IOException($"'{folder}' went away");
        if (!string.Equals(RealPath(open), folder, StringComparison.Ordinal))
            throw new LinkedAwayException(folder);
    }

    // struct statx is the same on every architecture.
    private static EntryState Read(ReadOnlySpan<byte> stat)
    {
        var mode = BitConverter.ToUInt16(stat[28..]);
        var kind = (mode & TypeMask) switch
        {
            0x8000 => EntryKind.File,
            0x4000 => EntryKind.Folder,
            0xA000 => EntryKind.Link,
            _ => EntryKind.Other,
        };
        var modified = DateTimeOffset.UnixEpoch;
        var seconds = BitConverter.ToInt64(stat[112..]);
        if (seconds is > -62_135_596_800 and < 253_402_300_799)
            modified = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(BitConverter.ToUInt32(stat[120..]) / 100);
        return new EntryState(
            kind, BitConverter.ToInt64(stat[40..]), modified, BitConverter.ToUInt32(stat[20..]), BitConverter.ToUInt32(stat[24..]), (ushort)(mode & 0xFFF));
    }

    internal static Exception Fault(int error, string call, string path)
    {
        var message = $"cannot {call} '{path}': {Marshal.GetPInvokeErrorMessage(error)}";
        return error == Denied ? new UnauthorizedAccessException(message) : new IOException(message, new Win32Exception(error));
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(SafeFileHandle file, string path, int flags, uint mask, ref byte stat);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte stat);
}

/// <summary>A symbolic link stands where a registry has a file or a folder of its own. It is not followed.</summary>
internal sealed class LinkedAwayException(string path) : IOException($"'{path}' is a symbolic link, or lies behind one, and is not followed")
{
}
