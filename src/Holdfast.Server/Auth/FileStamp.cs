using System.Runtime.InteropServices;

namespace Holdfast.Server.Auth;

/// <summary>What tells a file's contents from another's without reading them, and who owns it (statx(2)).</summary>
internal readonly partial record struct FileStamp(
    ulong Inode, ulong Size, (long Seconds, uint Nanoseconds) Modified, (long Seconds, uint Nanoseconds) Changed, uint Owner, uint Group, UnixFileMode Mode)
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint BasicStats = 0x7ff; // STATX_BASIC_STATS

    /// <summary>Looks at a file, through symbolic links.</summary>
    /// <returns>False if it is not there or can't be looked at.</returns>
    public static unsafe bool TryTake(string path, out FileStamp stamp)
    {
        // struct statx has the same layout on every processor, unlike struct stat.
        Span<byte> fields = stackalloc byte[256];
        fields.Clear();
        fixed (byte* buffer = fields)
        {
            if (Statx(CurrentFolder, path, 0, BasicStats, buffer) != 0)
            {
                stamp = default;
                return false;
            }
        }
        stamp = new FileStamp(
            Inode: MemoryMarshal.Read<ulong>(fields[32..]),
            Size: MemoryMarshal.Read<ulong>(fields[40..]),
            Modified: (MemoryMarshal.Read<long>(fields[112..]), MemoryMarshal.Read<uint>(fields[120..])),
            Changed: (MemoryMarshal.Read<long>(fields[96..]), MemoryMarshal.Read<uint>(fields[104..])),
            Owner: MemoryMarshal.Read<uint>(fields[20..]),
            Group: MemoryMarshal.Read<uint>(fields[24..]),
            Mode: (UnixFileMode)(MemoryMarshal.Read<ushort>(fields[28..]) & 0xfff));
        return true;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);
}
