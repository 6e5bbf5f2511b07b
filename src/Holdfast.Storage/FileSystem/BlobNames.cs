using System.Globalization;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>The names below a data folder's <c>blobs/</c>, in the order of a walk that can be taken up again.</summary>
internal static class BlobNames
{
    private static readonly string[] Algorithms = ["sha256", "sha512"];

    /// <summary>The folders still to be walked, relative to the data folder: that of <paramref name="after"/> and those behind it.</summary>
    public static IEnumerable<string> Folders(string root, string? after)
    {
        foreach (var algorithm in Algorithms)
        {
            var path = $"blobs/{algorithm}";
            // The algorithm's own folder for what lies there by mistake, then the fan-out.
            var all = ReadFolders(Path.Combine(root, path)).Select(name => $"{path}/{name}").Prepend(path);
            foreach (var folder in all.Where(folder => after is null || string.CompareOrdinal(folder, FolderOf(after)) >= 0))
                yield return folder;
        }
    }

    /// <exception cref="IOException">The folder can't be read: what it holds is not known (P6).</exception>
    public static List<StoredName> In(string root, string folder, string? after)
    {
        try
        {
            var names = new List<StoredName>();
            foreach (var file in new DirectoryInfo(Path.Combine(root, folder)).EnumerateFileSystemInfos())
            {
                var name = $"{folder}/{file.Name}";
                if (after is not null && string.CompareOrdinal(name, after) <= 0)
                    continue;
                if (IsFanOut(folder, file.Name) && file is DirectoryInfo { LinkTarget: null })
                    continue;
                names.Add(Describe(name, folder, file));
            }
            names.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
            return names;
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Posix.Translate(e);
        }
    }

    private static StoredName Describe(string name, string folder, FileSystemInfo file)
    {
        var algorithm = folder.Split('/')[1];
        var digest = file is FileInfo { LinkTarget: null } && folder.EndsWith($"/{file.Name[..Math.Min(2, file.Name.Length)]}", StringComparison.Ordinal)
            && Digest.TryParse($"{algorithm}:{file.Name}", out var parsed) ? parsed : default;
        try
        {
            var changed = Posix.TryExamine(file.FullName);
            return new StoredName(
                name, digest, changed?.SizeBytes ?? 0, DateTimeOffset.FromUnixTimeMilliseconds((changed?.ChangedNs ?? 0) / 1_000_000));
        }
        catch (IOException)
        {
            // A folder, a link, a pipe: no blob of ours, and its bytes are not asked for.
            return new StoredName(name, default, 0, new DateTimeOffset(file.LastWriteTimeUtc));
        }
    }

    private static bool IsFanOut(string folder, string name) =>
        folder.Count(c => c == '/') == 1 && name.Length == 2
        && byte.TryParse(name, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var index)
        && string.Equals(name, $"{index:x2}", StringComparison.Ordinal);

    private static IEnumerable<string> ReadFolders(string path) =>
        Enumerable.Range(0, 256).Select(i => $"{i:x2}").Where(name => Directory.Exists(Path.Combine(path, name)));

    private static string FolderOf(string name) => name[..name.LastIndexOf('/')];
}
