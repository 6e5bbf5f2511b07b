using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// Does the write-ahead log that lies beside a database belong to it? SQLite doesn't ask: it would lay the pages of a newer log over an older file
/// that somebody put back, and make neither of them (sqlite.org/fileformat2.html, "WAL File Format").
/// </summary>
/// <remarks>
/// A log begins when all of the log before is in the file; so the file then has the number before that of the log's first commit. Copying the log into
/// the file can only bring it up to one of the log's own. Any other number is another file's, or the same file's from another time.
/// </remarks>
internal static class LogMatch
{
    private const int LogHeaderBytes = 32;
    private const int FrameHeaderBytes = 24;
    private const uint LogMagic = 0x377f0682; // and the same with the last bit set

    // Of a database's first page: the format for writing (2: with a log) and user_version.
    private const int WriteFormat = 18;
    private const int UserVersion = 60;
    private const int HeaderBytes = 100;

    /// <returns>False if SQLite must not see the two together.</returns>
    /// <exception cref="IOException">One of them can't be read.</exception>
    public static bool Belongs(string database)
    {
        var log = database + "-wal";
        if (!File.Exists(log))
            return true;
        using var file = File.OpenHandle(database);
        using var frames = File.OpenHandle(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (ReadVersions(frames) is not { } versions)
            return true;
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (RandomAccess.Read(file, header, 0) < HeaderBytes)
            return true; // No database at all, which is found out elsewhere.
        var own = BinaryPrimitives.ReadUInt32BigEndian(header[UserVersion..]) & int.MaxValue;
        // In the ring of 31 bits: as far from the log's beginning as a state of this file can be.
        var before = (versions.First - 1) & int.MaxValue;
        // A program from before the journal counted nothing.
        return versions.First == 0 && own == 0
            || header[WriteFormat] == 2 && ((own - before) & int.MaxValue) <= ((versions.Last - before) & int.MaxValue);
    }

    // The numbers in the first and the last frame of page 1. Frames of an older log may follow in the same file; they have another salt.
    private static (uint First, uint Last)? ReadVersions(SafeFileHandle log)
    {
        Span<byte> header = stackalloc byte[LogHeaderBytes];
        if (RandomAccess.Read(log, header, 0) < LogHeaderBytes || (BinaryPrimitives.ReadUInt32BigEndian(header) & ~1u) != LogMagic)
            return null;
        var pageBytes = BinaryPrimitives.ReadUInt32BigEndian(header[8..]);
        (uint First, uint Last)? versions = null;
        Span<byte> frame = stackalloc byte[FrameHeaderBytes];
        Span<byte> version = stackalloc byte[4];
        for (var offset = (long)LogHeaderBytes; RandomAccess.Read(log, frame, offset) == FrameHeaderBytes; offset += FrameHeaderBytes + pageBytes)
        {
            if (!frame.Slice(8, 8).SequenceEqual(header.Slice(16, 8)))
                break;
            if (BinaryPrimitives.ReadUInt32BigEndian(frame) != 1 || RandomAccess.Read(log, version, offset + FrameHeaderBytes + UserVersion) < 4)
                continue;
            var found = BinaryPrimitives.ReadUInt32BigEndian(version) & int.MaxValue;
            versions = (versions?.First ?? found, found);
        }
        return versions;
    }
}
