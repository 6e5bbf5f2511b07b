using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Registry2;

/// <summary>Finds registries' folders below a folder that somebody named.</summary>
public static class RegistryFolders
{
    private const string Layout = "docker/registry/v2";

    // /srv/registries/caches/dockerhub is as far as people nest them.
    private const int MaxDepth = 3;

    /// <param name="path">A registry's data folder, its <c>docker/registry/v2</c>, or a folder with several registries' data folders below it.</param>
    /// <param name="tell">Gets what was passed over in the search.</param>
    /// <exception cref="NotARegistryException">There is none, or what is there can't be read.</exception>
    public static IReadOnlyList<RegistryFolder> Find(string path, Action<FolderProblem> tell)
    {
        try
        {
            if (!Path.Exists(path))
                throw new NotARegistryException($"there is no folder '{path}'");
            var root = new RootFolder(path);
            if (IsLayout(root.Path))
                return [Open(root.Path, ".", root.Path.EndsWith("/" + Layout, StringComparison.Ordinal) ? root.Path[..^(Layout.Length + 1)] : root.Path)];
            var found = new List<RegistryFolder>();
            FolderProblem? first = null;
            Search(root, "", 0, found, problem =>
            {
                first ??= problem;
                tell(problem);
            });
            if (found.Count > 0)
                return found;
            throw new NotARegistryException(
                $"'{path}' holds no registry: neither it nor a folder below it has docker/registry/v2 with blobs and repositories in it; "
                + $"give the folder that the registry's configuration calls rootdirectory{(first is null ? "" : $" ({Quoted.Plain(first.Path)}: {first.Detail})")}");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or AccessDeniedException)
        {
            throw new NotARegistryException($"{e.Message}: user {Environment.UserName} may not read this folder; run this as root or as the registry's user");
        }
        catch (IOException e) when (e is not NotARegistryException)
        {
            throw new NotARegistryException(e.Message);
        }
    }

    private static void Search(RootFolder root, string below, int depth, List<RegistryFolder> found, Action<FolderProblem> tell)
    {
        var folder = root.PathOf(below);
        if (Posix.TryExamineEntry($"{folder}/{Layout}") is not null)
        {
            // Not behind a link: what was named is this folder.
            if (RootFolder.Real($"{folder}/{Layout}") != $"{folder}/{Layout}")
                tell(Linked(below));
            else if (IsLayout($"{folder}/{Layout}"))
                found.Add(Open($"{folder}/{Layout}", below.Length == 0 ? "." : below, folder));
            return;
        }
        if (depth == MaxDepth)
            return;
        foreach (var (name, kind) in FolderListing.Read(root, below, tell).OrderBy(static entry => entry.Name, StringComparer.Ordinal).ToList())
        {
            var child = below.Length == 0 ? name : $"{below}/{name}";
            if (kind == EntryKind.Folder)
                Search(root, child, depth + 1, found, tell);
            else if (kind == EntryKind.Link && Directory.Exists($"{root.PathOf(child)}/{Layout}"))
                tell(Linked(child));
        }
    }

    private static FolderProblem Linked(string below) =>
        new(FolderProblemKind.Linked, below.Length == 0 ? Layout : below, "a registry behind a symbolic link, which is not followed: name the place that it leads to");

    // Under the registry's own path either is enough: one that was only just begun lacks the other. Elsewhere both must be there, and no Holdfast beside them.
    private static bool IsLayout(string path)
    {
        var (blobs, repositories) = (Posix.TryExamineEntry(path + "/blobs") is not null, Posix.TryExamineEntry(path + "/repositories") is not null);
        return path.EndsWith("/" + Layout, StringComparison.Ordinal) ? blobs || repositories : blobs && repositories && !File.Exists(path + "/holdfast.db");
    }

    private static RegistryFolder Open(string path, string name, string dataFolder)
    {
        foreach (var part in (ReadOnlySpan<string>)["blobs", "repositories"])
        {
            // Taken for empty, either would make everything look lost.
            if (Posix.TryExamineEntry($"{path}/{part}") is { } state && state.Kind != EntryKind.Folder)
                throw new NotARegistryException($"'{path}/{part}' is {(state.Kind == EntryKind.Link ? "a symbolic link, which is not followed; mount its target there instead (mount --bind)" : "not a folder")}");
        }
        using (var _ = Directory.EnumerateFileSystemEntries(path).GetEnumerator())
        {
            // Opened to see that this user may.
        }
        return new RegistryFolder(new RootFolder(path), name, dataFolder, File.Exists(dataFolder + "/scheduler-state.json"));
    }
}
