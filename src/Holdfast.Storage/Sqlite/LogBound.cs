using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// Keeps the write-ahead log from growing without end (P10). SQLite starts it from the front again only at a moment without readers, and on a
/// busy registry one reader always overlaps the next. Here the writer waits for those there are; new ones find all in the database itself.
/// </summary>
/// <param name="maxFrames">Pages in the log.</param>
/// <param name="room">Looked after at the same moments; null: none is kept.</param>
internal sealed class LogBound(long maxFrames, DatabaseRoom? room)
{
    // Frames are only counted this often; between, SQLite copies what it can by itself.
    private const int CommitsBetweenLooks = 64;

    private int _commits;

    /// <summary>To be called by the writer, outside of a transaction. Never throws: what was committed is committed.</summary>
    public void Look(MetadataSession session)
    {
        if (++_commits < CommitsBetweenLooks)
            return;
        _commits = 0;
        try
        {
            if (Frames(session, "PRAGMA wal_checkpoint(PASSIVE)") > maxFrames)
                Restart(session);
            room?.Look(session);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            // The next commit meets the same disk, and says so to its callers.
        }
    }

    // Nearly always 60 ms. Where readers stay too long for that, pushes wait no longer for it, and the next look tries again.
    private static void Restart(MetadataSession session)
    {
        session.Execute("PRAGMA busy_timeout = 200");
        try
        {
            Frames(session, "PRAGMA wal_checkpoint(RESTART)");
        }
        finally
        {
            session.Execute(SqliteConnections.BusyTimeout);
        }
    }

    // The columns are: busy, frames in the log, frames copied into the database.
    private static long Frames(MetadataSession session, string checkpoint)
    {
        using var statement = new Statement(session.Connection, checkpoint);
        using var rows = statement.Query();
        return rows.Read() ? rows.Long(1) : 0;
    }
}
