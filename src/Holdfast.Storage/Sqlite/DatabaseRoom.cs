using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// Free pages inside the database's file, so that deletes, which write rows of the trash and of the review queues, still work when others have filled
/// the disk to its last byte (P10). Room reserved behind the file's end would be lost at the next checkpoint, which cuts the file there.
/// </summary>
/// <param name="file">The database's.</param>
internal sealed class DatabaseRoom(string file)
{
    // A delete takes about 500 bytes until its review: enough for some 8,000, and written within 30 ms.
    private const long Bytes = 4L << 20;

    // Growing takes free pages first, so the room must be made anew now and then; a write of it all for each half that was used.
    private const long LowBytes = Bytes / 2;

    // On a smaller disk, or one that is nearly full, the room would itself be what fills it: it passes through the log first.
    private const long MinFreeBytes = 4 * Bytes;

    /// <summary>Makes the room if there is too little of it. To be called by the writer, outside of a transaction.</summary>
    /// <exception cref="SqliteException">There is no room for the room.</exception>
    public void Look(MetadataSession session)
    {
        var freeBytes = session.Prepare("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size").QueryLong() ?? 0;
        if (freeBytes >= LowBytes || new DriveInfo(file).AvailableFreeSpace < MinFreeBytes)
            return;
        session.Prepare("BEGIN IMMEDIATE").Execute();
        try
        {
            session.Prepare("INSERT INTO room (filling) VALUES (zeroblob(@bytes))").Set("@bytes", Bytes).Execute();
            session.Prepare("DELETE FROM room").Execute();
            CommitVersion.CountUp(session);
            session.Prepare("COMMIT").Execute();
        }
        catch (SqliteException)
        {
            if (SqliteConnections.InTransaction(session))
                session.Prepare("ROLLBACK").Execute();
            throw;
        }
    }

    /// <summary>Makes the table that is filled and emptied for it.</summary>
    public static void Prepare(MetadataSession session) => session.Execute("CREATE TABLE IF NOT EXISTS room (filling BLOB) STRICT");
}
