using System.Text;
using Holdfast.Doctor.Registry2;
using Holdfast.Oci;
using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Repair;

public enum UndoOutcome
{
    /// <summary>It is as it was before.</summary>
    Undone,

    /// <summary>It was not done, or is undone already.</summary>
    NotThere,

    /// <summary>It was changed since, or what was pushed since needs it: left as it is.</summary>
    Changed,
}

/// <summary>Takes back what a repair wrote, the last first, where it still is as it was written.</summary>
/// <param name="apply">False: only say what would be taken back.</param>
public sealed class RepairUndo(RegistryFolder folder, string journalFolder, bool apply)
{
    private UsedSince? _used;

    public IEnumerable<(JournalEntry Entry, UndoOutcome Outcome)> Run()
    {
        foreach (var entry in RepairJournal.Read(journalFolder).Reverse())
            yield return (entry, Check(entry) is var path && path is null ? throw new IOException($"'{entry.Path}' leads out of the registry's folder: the journal is not one of this folder") : Undo(entry, path));
        if (apply)
            RepairJournal.MarkUndone(journalFolder);
    }

    private string? Check(JournalEntry entry) =>
        entry.Path.StartsWith('/') || entry.Path.Split('/').Contains("..") || entry.Before?.Contains('/', StringComparison.Ordinal) == true && entry.IsData ? null : $"{folder.Path}/{entry.Path}";

    private UndoOutcome Undo(JournalEntry entry, string path)
    {
        var parent = Path.GetDirectoryName(path)!;
        using var open = Posix.TryOpenEntry(parent);
        var kept = entry is { IsData: true, Before: not null } ? $"{journalFolder}/replaced/{entry.Before}" : null;
        if (open is null)
        {
            RemoveMade(entry);
            return UndoOutcome.NotThere;
        }
        if (Posix.RealPath(open) != parent)
            throw new LinkedAwayException(parent);
        if (Posix.TryExamineEntry(path) is null && kept is not null && File.Exists(kept))
        {
            // Stopped between the two moves.
            if (apply)
                Posix.Rename(kept, path);
            return UndoOutcome.Undone;
        }
        if (Posix.TryExamineEntry(path) is null)
        {
            RemoveMade(entry);
            return UndoOutcome.NotThere;
        }
        // Stopped before the first move; or a link that was to be replaced, and was not.
        if (kept is not null && !File.Exists(kept))
            return UndoOutcome.NotThere;
        if (!IsAsWritten(entry, path))
            return !entry.IsData && entry.Before is { } old && Holds(path, old) ? UndoOutcome.NotThere : UndoOutcome.Changed;
        _used ??= UsedSince.Find(folder, RepairJournal.FindEnd(journalFolder));
        if (_used.Contains(entry))
            return UndoOutcome.Changed;
        if (!apply)
            return UndoOutcome.Undone;
        if (kept is not null)
            Posix.Rename(kept, path);
        else if (!entry.IsData && entry.Before is { } before)
            File.WriteAllText(path, before, Encoding.Latin1);
        else
            File.Delete(path);
        Posix.SyncFolder(parent);
        RemoveMade(entry);
        return UndoOutcome.Undone;
    }

    private static bool IsAsWritten(JournalEntry entry, string path)
    {
        if (!entry.IsData)
            return Holds(path, entry.Text);
        if (!Digest.TryParse(entry.Text, out var digest))
            return false;
        using var file = File.OpenRead(path);
        var hash = digest.Algorithm == DigestAlgorithm.Sha256 ? System.Security.Cryptography.SHA256.HashData(file) : System.Security.Cryptography.SHA512.HashData(file);
        return Digest.FromHash(digest.Algorithm, hash) == digest;
    }

    private static bool Holds(string path, string text) => new FileInfo(path).Length <= 4096 && File.ReadAllText(path, Encoding.Latin1) == text;

    // Only what the repair made, and only if nothing came into it since.
    private void RemoveMade(JournalEntry entry)
    {
        foreach (var made in apply ? entry.Made.Reverse() : [])
        {
            var path = $"{folder.Path}/{made}";
            if (!made.Split('/').Contains("..") && Posix.TryExamineEntry(Path.GetDirectoryName(path)!) is not null)
                Posix.ThrowIfElsewhere(Path.GetDirectoryName(path)!);
            if (!made.Split('/').Contains("..") && Posix.TryExamineEntry(path) is { Kind: EntryKind.Folder } && !Directory.EnumerateFileSystemEntries(path).Any())
                Directory.Delete(path);
        }
    }
}
