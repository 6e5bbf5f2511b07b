using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Holdfast.Storage.Sqlite;

/// <summary>How connections to the database file are opened, and what their errors mean.</summary>
internal static class SqliteConnections
{
    // synchronous=FULL syncs the log at every commit (P1). No mmap: a bad sector would end the process instead of failing one read.
    // The caches are small because the kernel keeps the file's pages for all of them.
    private const string Common = "PRAGMA busy_timeout = 10000; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;";
    private const string Writer = Common + """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;
        PRAGMA wal_autocheckpoint = 2000;
        PRAGMA journal_size_limit = 67108864;
        """;
    private const string Reader = Common + "PRAGMA query_only = ON;";

    public static MetadataSession OpenWriter(string file) => Open(file, Writer);

    public static MetadataSession OpenReader(string file) => Open(file, Reader);

    /// <summary>A full disk as the seam's exception; anything else as it is.</summary>
    public static Exception Translate(Exception error) =>
        IsFull(error) ? new StoreFullException("the database has no room left", error) : error;

    // The log's index, a file beside the database that its connections share, has an error of its own for this.
    public static bool IsFull(Exception error) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_FULL } or SqliteException { SqliteExtendedErrorCode: raw.SQLITE_IOERR_SHMSIZE };

    public static bool InTransaction(MetadataSession session) => raw.sqlite3_get_autocommit(((SqliteConnection)session.Connection).Handle) == 0;

    private static MetadataSession Open(string file, string pragmas)
    {
        // The pool would hand a connection back with its pragmas and statements forgotten; sessions are kept here instead.
        var text = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString();
        var session = new MetadataSession(new SqliteConnection(text));
        try
        {
            session.Connection.Open();
            session.Execute(pragmas);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }
}
