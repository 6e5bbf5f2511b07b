using System.IO.Enumeration;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Doctor.Registry2;

internal readonly record struct FolderEntry(string Name, EntryKind Kind);

/// <summary>
/// A folder that is read and never left: nothing behind a symbolic link is opened, whichever part of a path it stands for. The folder itself may be
/// reached by links, since whoever named it meant it.
/// </summary>
internal sealed class RootFolder
{
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false, ReturnSpecialDirectories = false };

    /// <exception cref="IOException">It is not there, or can't be opened.</exception>
    /// <exception cref="AccessDeniedException">This user may not read it.</exception>
    public RootFolder(string path)
    {
        var real = Real(path) ?? throw new DirectoryNotFoundException($"there is no folder '{path}'");
        if (!Directory.Exists(real))
            throw new DirectoryNotFoundException($"'{path}' is not a folder");
        Path = real;
    }

    /// <summary>Absolute, with every link resolved and without a slash at its end.</summary>
    public string Path { get; }

    public string PathOf(string relative) => relative.Length == 0 ? Path : $"{Path}/{relative}";

    /// <returns>What is in a folder, in no order; nothing if it is not there.</returns>
    /// <exception cref="IOException">Half-way, too: what came before is not all.</exception>
    public IEnumerable<FolderEntry> List(string relative)
    {
        var path = PathOf(relative);
        if (Posix.TryExamineEntry(path) is not { } state)
            return [];
        if (state.Kind != EntryKind.Folder)
            throw state.Kind == EntryKind.Link ? new LinkedAwayException(path) : new IOException($"'{path}' is not a folder");
        return new FileSystemEnumerable<FolderEntry>(path, static (ref entry) => new FolderEntry(entry.FileName.ToString(), KindOf(ref entry)), Everything);
    }

    /// <returns>Null if there is nothing of that name.</returns>
    public EntryState? TryExamine(string relative) => Posix.TryExamineEntry(PathOf(relative));

    /// <returns>The open file, or null if there is none of that name.</returns>
    /// <exception cref="IOException">It is no plain file, lies behind a link, or can't be opened.</exception>
    public SafeFileHandle? TryOpen(string relative, out EntryState state)
    {
        state = default;
        var path = PathOf(relative);
        var file = Posix.TryOpenEntry(path);
        if (file is null)
            return null;
        try
        {
            state = Posix.ExamineEntry(file, path);
            if (state.Kind != EntryKind.File)
                throw new IOException($"'{path}' is not a file");
            // Asked of the open file, so that no link can change between the look and the use.
            var real = Posix.RealPath(file);
            if (!string.Equals(real, path, StringComparison.Ordinal) && !real.EndsWith(" (deleted)", StringComparison.Ordinal))
                throw new LinkedAwayException(path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <returns>A path with every link resolved; null if there is nothing.</returns>
    public static string? Real(string path)
    {
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        // The last part may be a link, which the opening must follow here and nowhere else.
        if (!System.IO.Path.Exists(full))
            return Posix.TryExamineEntry(full) is { } hidden && hidden.Kind == EntryKind.Link ? throw new IOException($"'{full}' is a link that leads nowhere") : null;
        if (File.Exists(full))
            return full;
        using var file = Posix.TryOpenEntry(full + "/.");
        return file is null ? null : Posix.RealPath(file);
    }

    private static EntryKind KindOf(ref FileSystemEntry entry)
    {
        var attributes = entry.Attributes;
        if ((attributes & FileAttributes.ReparsePoint) != 0)
            return EntryKind.Link;
        return (attributes & FileAttributes.Directory) != 0 ? EntryKind.Folder : EntryKind.File;
    }
}
