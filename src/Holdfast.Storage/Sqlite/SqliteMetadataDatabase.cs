using System.Diagnostics;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>The metadata in one SQLite file with a write-ahead log: any number of readers beside one writer that commits in groups.</summary>
public sealed class SqliteMetadataDatabase : MetadataDatabase
{
    private readonly SqliteReaders _readers;
    private readonly GroupCommit _writer;
    private JournalKeeper? _keeper;

    private SqliteMetadataDatabase(string file, JournalWriter? journal)
    {
        _readers = new SqliteReaders(file);
        _writer = new GroupCommit(() => SqliteConnections.OpenWriter(file), journal, room: new DatabaseRoom(file));
        LogRoom.Reserve(file);
    }

    /// <summary>
    /// Opens the database of a data folder with its journal, after it has brought the two together: a database that is gone, damaged or behind is
    /// made again from the journal (DESIGN §3).
    /// </summary>
    /// <param name="blobs">The folder's, for the manifests' bytes.</param>
    /// <exception cref="JournalException">That can't be done without losing something; the message says what to do.</exception>
    /// <exception cref="SchemaTooNewException">A later program has written it.</exception>
    /// <exception cref="StoreFullException">The disk is so full that not even the few pages for sharing the file can be had.</exception>
    public static async Task<(SqliteMetadataDatabase Database, StartFindings Findings)> OpenAsync(
        DataFolder folder, IBlobStore blobs, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            var start = new DatabaseStart(folder, blobs, time);
            var journal = await start.RunAsync(cancellationToken);
            return (Open(folder, journal, time, JournalKeeper.MaxBytes), start.Findings);
        }
        catch (Exception e) when (SqliteConnections.IsFull(e))
        {
            throw new StoreFullException($"the disk has no room left to open the database '{folder.DatabaseFile}'", e);
        }
    }

    internal static SqliteMetadataDatabase Open(DataFolder folder, JournalWriter journal, TimeProvider time, long maxJournalBytes)
    {
        var database = new SqliteMetadataDatabase(folder.DatabaseFile, journal);
        database._keeper = new JournalKeeper(database, journal, folder, time, maxJournalBytes);
        return database;
    }

    /// <summary>Opens a file without a journal, creating it if there is none, and migrates it to this program's schema: what is lost with it is lost.</summary>
    /// <exception cref="SchemaTooNewException">A later program has written it.</exception>
    /// <exception cref="StoreFullException">The disk is so full that not even the few pages for sharing the file can be had.</exception>
    public static SqliteMetadataDatabase Open(string file)
    {
        try
        {
            CreateForOwner(file);
            using (var session = SqliteConnections.OpenWriter(file))
            {
                SchemaMigrations.Run(session, SqlDialect.Sqlite);
                DatabaseRoom.Prepare(session);
            }
            return new SqliteMetadataDatabase(file, null);
        }
        catch (Exception e) when (SqliteConnections.IsFull(e))
        {
            throw new StoreFullException($"the disk has no room left to open the database '{file}'", e);
        }
    }

    // SQLite makes its files readable for everyone, and its log takes the mode of the database: nobody but the owner is to read what the
    // access rules keep from clients.
    internal static void CreateForOwner(string file)
    {
        using var created = new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
    }

    public override CommittedState State => _writer.State;

    public override ValueTask<TResult> ReadAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var start = StorageMetrics.TimesDatabase ? Stopwatch.GetTimestamp() : 0;
        var session = _readers.Rent();
        TResult result;
        try
        {
            result = query(session, state);
        }
        catch
        {
            // Its statements may be half read.
            session.Dispose();
            throw;
        }
        _readers.Return(session);
        if (start != 0)
            StorageMetrics.RecordRead(Stopwatch.GetElapsedTime(start));
        return new(result);
    }

    public override Task<TResult> WriteAsync<TState, TResult>(
        TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken) =>
        _writer.RunAsync(state, change, cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        // The keeper first: it writes what it finds through the writer.
        if (_keeper is not null)
            await _keeper.DisposeAsync();
        await _writer.DisposeAsync();
        _readers.Dispose();
    }
}
