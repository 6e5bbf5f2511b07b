using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Native;

/// <summary>What the kernel keeps of a file's bytes.</summary>
public static partial class Posix
{
    // Of its beginning; who uses a file has read that.
    private const int LookedAtPages = 64;

    private const int NoAccess = 0;
    private const int Shared = 1;

    /// <summary>Does the page cache have most of the file's beginning? No if that can't be told.</summary>
    public static unsafe bool IsCached(SafeFileHandle file, long sizeBytes)
    {
        var pageBytes = Environment.SystemPageSize;
        var pages = (int)Math.Min(LookedAtPages, (sizeBytes + pageBytes - 1) / pageBytes);
        if (pages == 0)
            return false;
        var length = (nuint)(pages * pageBytes);
        var map = mmap(0, length, NoAccess, Shared, file, 0);
        if (map == -1)
            return false;
        try
        {
            Span<byte> states = stackalloc byte[LookedAtPages];
            fixed (byte* first = states)
            {
                if (mincore(map, length, first) != 0)
                    return false;
            }
            var cached = 0;
            foreach (var state in states[..pages])
                cached += state & 1;
            return cached * 2 > pages;
        }
        finally
        {
            _ = munmap(map, length);
        }
    }

    [LibraryImport("libc")]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc")]
    private static unsafe partial int mincore(nint address, nuint length, byte* states);

    [LibraryImport("libc")]
    private static partial int munmap(nint address, nuint length);
}
