using System.Globalization;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Holdfast.Storage.Sqlite;

/// <summary>How connections to the database file are opened, and what their errors mean.</summary>
internal static class SqliteConnections
{
    public const string BusyTimeout = "PRAGMA busy_timeout = 10000;";

    // synchronous=FULL syncs the log at every commit (P1). No mmap: a bad sector would end the process instead of failing one read.
    // The caches are small because the kernel keeps the file's pages for all of them.
    private const string Common = BusyTimeout + "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;";
    // The writer's is larger: it keeps what it has read, which a reader forgets at each commit. The upper levels of the indexes of millions of blobs fit in.
    private const string Writer = Common + """
        PRAGMA cache_size = -16384;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;
        PRAGMA wal_autocheckpoint = 2000;
        PRAGMA journal_size_limit = 67108864;
        """;
    private const string Reader = Common + "PRAGMA query_only = ON;";

    /// <exception cref="IOException">SQLite does not do what the promises rest on.</exception>
    public static MetadataSession OpenWriter(string file)
    {
        var session = Open(file, Writer);
        try
        {
            // SQLite passes over a pragma that it can't follow: on a file system without shared memory there is no write-ahead log, and
            // a library built without foreign keys ignores them.
            Require(session, "journal_mode", "wal");
            Require(session, "synchronous", "2");
            Require(session, "foreign_keys", "1");
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public static MetadataSession OpenReader(string file) => Open(file, Reader);

    /// <summary>A full disk as the seam's exception; anything else as it is.</summary>
    public static Exception Translate(Exception error) =>
        IsFull(error) ? new StoreFullException("the database has no room left", error)
        : IsUnwritable(error) ? new StoreUnwritableException($"the database can't be written: {error.Message}", error)
        : error;

    // The log's index, a file beside the database that its connections share, has an error of its own for this.
    public static bool IsFull(Exception error) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_FULL } or SqliteException { SqliteExtendedErrorCode: raw.SQLITE_IOERR_SHMSIZE };

    // What a read-only file system says to the calls that write; to a read it says nothing.
    private static bool IsUnwritable(Exception error) => error is SqliteException { SqliteErrorCode: raw.SQLITE_READONLY }
        or SqliteException
    {
        SqliteExtendedErrorCode: raw.SQLITE_IOERR_WRITE or raw.SQLITE_IOERR_FSYNC or raw.SQLITE_IOERR_DIR_FSYNC or raw.SQLITE_IOERR_TRUNCATE,
    };

    public static bool InTransaction(MetadataSession session) => raw.sqlite3_get_autocommit(((SqliteConnection)session.Connection).Handle) == 0;

    private static void Require(MetadataSession session, string pragma, string value)
    {
        using var command = session.Connection.CreateCommand();
        command.CommandText = "PRAGMA " + pragma;
        var found = Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture);
        if (!string.Equals(found, value, StringComparison.OrdinalIgnoreCase))
            throw new IOException($"the database's {pragma} is '{found}' and can't be made '{value}': is its folder on a network file system?");
    }

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
