using System.Globalization;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Native;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Holdfast.Storage.Sqlite;

/// <summary>The database's files in the data folder: the file, its log, the log's index.</summary>
internal sealed class DatabaseFiles(DataFolder folder)
{
    private static readonly string[] Suffixes = ["-wal", "-shm"];

    public string Main => folder.DatabaseFile;

    /// <summary>Where a rebuild makes the new one.</summary>
    public string New => folder.DatabaseFile + ".new";

    /// <summary>A file of no length is none: SQLite would take it for a new one.</summary>
    public bool Exists => File.Exists(Main) && new FileInfo(Main).Length > 0;

    /// <summary>What is there instead: nothing, or a file of no length.</summary>
    public string WhatIsWrong => File.Exists(Main) ? "empty" : "missing";

    /// <summary>The process before didn't close the database.</summary>
    public bool HasLog => File.Exists(Main + "-wal") && new FileInfo(Main + "-wal").Length > 0;

    public static bool IsDamage(SqliteException e) =>
        e.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB || e.SqliteExtendedErrorCode == raw.SQLITE_IOERR_SHORT_READ;

    /// <summary>Moves the log and its index away as evidence.</summary>
    public void MoveLogAway(long nowMs)
    {
        foreach (var suffix in Suffixes)
            MoveAway(Main + suffix, nowMs);
        Sync();
    }

    /// <summary>Moves the database with its log away as evidence.</summary>
    /// <returns>Where to; null if there was none.</returns>
    public string? MoveAway(long nowMs)
    {
        foreach (var suffix in Suffixes)
            MoveAway(Main + suffix, nowMs);
        var target = MoveAway(Main, nowMs);
        Sync();
        return target;
    }

    /// <exception cref="IOException">Part of the new one is in its log alone, which would stay behind: the disk was full when it was closed.</exception>
    public void RequireNewWhole()
    {
        if (File.Exists(New + "-wal") && new FileInfo(New + "-wal").Length > 0)
            throw new IOException($"the new database {New} could not be written in full (is the disk full?); the old one was left as it is");
    }

    public void RemoveNew()
    {
        File.Delete(New);
        foreach (var suffix in Suffixes)
            File.Delete(New + suffix);
    }

    /// <summary>Puts the new one in the place of the one that was moved away.</summary>
    public void TakeNew()
    {
        Posix.Rename(New, Main);
        Sync();
    }

    private string? MoveAway(string path, long nowMs)
    {
        if (!File.Exists(path))
            return null;
        var target = Path.Combine(folder.Quarantine, $"{Path.GetFileName(path)}.{nowMs.ToString(CultureInfo.InvariantCulture)}");
        Posix.Rename(path, target);
        return target;
    }

    private void Sync()
    {
        Posix.SyncFolder(folder.Quarantine);
        Posix.SyncFolder(folder.Path);
    }
}
