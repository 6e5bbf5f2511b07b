using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Native;

/// <summary>
/// Looks into folders that are somebody else's, where anything may stand for anything: no link is followed, and a path through something that is no folder leads nowhere. (In our own
/// data folder that is a fault: there, only a name that its folder doesn't hold is absent.)
/// </summary>
public static partial class Posix
{
    private const uint StatEntry = 0x7df; // type, mode, links, user, group, times, inode, size
    private const int NotAFolder = 20;

    /// <returns>The open file or folder, or null if there is none of that name.</returns>
    /// <exception cref="LinkedAwayException">It is a link.</exception>
    /// <exception cref="IOException">It can't be opened.</exception>
    public static SafeFileHandle? TryOpenEntry(string path)
    {
        while (true)
        {
            // A pipe that someone put there would keep the open waiting for ever.
            var descriptor = open(path, ReadOnly | NonBlocking | NoFollow | CloseOnExec, 0);
            if (descriptor >= 0)
                return new SafeFileHandle(descriptor, ownsHandle: true);
            var error = Marshal.GetLastPInvokeError();
            if (error is NoEntry or NotAFolder)
                return null;
            if (error != Interrupted)
                throw Fault(error, "open", path);
        }
    }

    /// <returns>Null if there is nothing of that name. A link is looked at itself.</returns>
    public static EntryState? TryExamineEntry(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        return TryStat(path, NoFollowPath, stat) ? ReadEntry(stat) : null;
    }

    public static EntryState ExamineEntry(SafeFileHandle file, string path)
    {
        Span<byte> stat = stackalloc byte[256];
        Check(statx(file, "", EmptyPath, StatEntry, ref MemoryMarshal.GetReference(stat)), "examine", path);
        return ReadEntry(stat);
    }

    /// <summary>What tells a folder from all others on this machine, every link on the way to it followed; null if there is none.</summary>
    public static (ulong Device, ulong Inode)? TryIdentify(string path)
    {
        Span<byte> stat = stackalloc byte[256];
        return TryStat(path, 0, stat) ? (BitConverter.ToUInt64(stat[136..]), BitConverter.ToUInt64(stat[32..])) : null;
    }

    /// <summary>Where an open file lies, with every link resolved.</summary>
    public static string RealPath(SafeFileHandle file) =>
        new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget ?? throw new IOException("/proc/self/fd can't be read");

    /// <param name="folder">A path with every link resolved, as far as anybody knows.</param>
    /// <exception cref="LinkedAwayException">By now it lies behind a link.</exception>
    public static void ThrowIfElsewhere(string folder)
    {
        using var open = TryOpenEntry(folder) ?? throw new IOException($"'{folder}' went away");
        if (!string.Equals(RealPath(open), folder, StringComparison.Ordinal))
            throw new LinkedAwayException(folder);
    }

    private static bool TryStat(string path, int flags, Span<byte> stat)
    {
        if (statx(CurrentFolder, path, flags, StatEntry, ref MemoryMarshal.GetReference(stat)) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error is NoEntry or NotAFolder ? false : throw Fault(error, "examine", path);
    }

    private static EntryState ReadEntry(ReadOnlySpan<byte> stat)
    {
        var mode = BitConverter.ToUInt16(stat[28..]);
        var kind = (mode & FileTypeMask) switch
        {
            RegularFile => EntryKind.File,
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
}
