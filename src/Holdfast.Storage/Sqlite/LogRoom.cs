using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// Room on the disk for the write-ahead log, taken at start: every change goes through the log first, so that with it deletes still work
/// when others have filled the disk to its last byte (P10).
/// </summary>
internal static class LogRoom
{
    // The log begins again from its start after 2,000 pages of 4 KiB if no reader is in the way; twice that leaves room for one that is.
    private const long Bytes = 16L << 20;

    // On a smaller disk the room would itself be what fills it.
    private const long MinFreeBytes = 2 * Bytes;

    /// <summary>Without effect where the file system can't do it or has no room: the database then works as far as there is any.</summary>
    /// <param name="database">The database's file; its log exists, since a connection has written.</param>
    public static void Reserve(string database)
    {
        if (new DriveInfo(database).AvailableFreeSpace < MinFreeBytes)
            return;
        // The log is the one file of SQLite's that it sets no POSIX locks on, which closing a second handle would lift.
        using var log = Posix.TryOpen(database + "-wal", Posix.ReadWrite);
        if (log is not null)
            Posix.TryReserve(log, Bytes);
    }
}
