using System.Text;

namespace Tidy;

/// <summary>The working tree that these tests were built from.</summary>
internal static class Repository
{
    private static readonly HashSet<string> NotOurs =
        new(["bin", "obj", "artifacts", "data", ".git", ".vs", ".idea", ".vscode", "node_modules", "TestResults"], StringComparer.Ordinal);

    public static string Root { get; } = FindRoot();

    /// <summary>Debug or Release: the configuration of this build, in which the others were built too.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    /// <returns>Paths from the root, with slashes, of every source file below a folder ("" for all), in ordinal order.</returns>
    public static IEnumerable<string> Files(string folder, string extension) =>
        Walk(new DirectoryInfo(Path.Combine(Root, folder)))
            .Where(file => extension.Length == 0 || file.Name.EndsWith(extension, StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Root, file.FullName))
            .Order(StringComparer.Ordinal);

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static string[] ReadLines(string path) => File.ReadAllLines(Path.Combine(Root, path));

    /// <returns>The file's text, or null if it is not UTF-8 text.</returns>
    public static string? ReadIfText(string path)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Root, path));
        return bytes.Contains((byte)0) || !System.Text.Unicode.Utf8.IsValid(bytes) ? null : Encoding.UTF8.GetString(bytes);
    }

    /// <returns>The names of the project folders below src, tests or bench.</returns>
    public static IEnumerable<string> Projects(string folder) =>
        Directory.EnumerateDirectories(Path.Combine(Root, folder))
            .Where(directory => Directory.EnumerateFiles(directory, "*.csproj").Any())
            .Select(directory => Path.GetFileName(directory))
            .Order(StringComparer.Ordinal);

    private static IEnumerable<FileInfo> Walk(DirectoryInfo folder)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            // In a second working tree, .git is a file.
            if (entry.LinkTarget is not null || NotOurs.Contains(entry.Name))
                continue;
            if (entry is FileInfo file)
                yield return file;
            if (entry is not DirectoryInfo inner)
                continue;
            foreach (var found in Walk(inner))
                yield return found;
        }
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Holdfast.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException("these tests run from inside the working tree, which has Holdfast.slnx at its root");
    }
}
