using System.Globalization;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.Journal;

/// <summary>
/// The journal's files. A segment, <c>first change.log</c>, holds changes; a snapshot, <c>last change.snapshot</c>, tells the state after that change,
/// so that what stands before it isn't needed any more.
/// </summary>
internal static class JournalFolder
{
    public const string Segment = ".log";
    public const string Snapshot = ".snapshot";
    public const string Unfinished = ".new";

    public static string PathOf(string folder, long sequence, string kind) =>
        Path.Combine(folder, sequence.ToString("d20", CultureInfo.InvariantCulture) + kind);

    /// <summary>Files of one kind, in the order of their changes.</summary>
    public static List<(long Sequence, string Path)> List(string folder, string kind)
    {
        var found = new List<(long, string)>();
        if (!Directory.Exists(folder))
            return found;
        foreach (var path in Directory.EnumerateFiles(folder, "*" + kind))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (name.Length == 20 && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
                found.Add((sequence, path));
        }
        found.Sort();
        return found;
    }

    public static bool IsEmpty(string folder) => List(folder, Segment).Count + List(folder, Snapshot).Count == 0;

    /// <summary>Moves every file of the journal away, as evidence; durable.</summary>
    public static void MoveAway(string folder, string quarantine, long nowMs)
    {
        foreach (var (_, path) in List(folder, Segment).Concat(List(folder, Snapshot)))
            Posix.Rename(path, Path.Combine(quarantine, $"journal-{Path.GetFileName(path)}.{nowMs.ToString(CultureInfo.InvariantCulture)}"));
        Posix.SyncFolder(quarantine);
        Posix.SyncFolder(folder);
    }

    /// <summary>Where a start is refused for want of a journal, so that one which is put back doesn't get into this folder but in its place.</summary>
    public static void RemoveIfEmpty(string folder)
    {
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }

    public static void RemoveUnfinished(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*" + Unfinished))
            File.Delete(path);
    }
}
