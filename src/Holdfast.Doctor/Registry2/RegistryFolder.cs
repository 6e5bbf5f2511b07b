using Holdfast.Oci;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Doctor.Registry2;

/// <summary>
/// The folder of one registry:2, read and never written: <c>blobs/</c> and <c>repositories/</c> below <c>docker/registry/v2</c>. Everything is streamed, and
/// what can't be read or is no registry's is told and passed over. The registry may run meanwhile, so that what was seen may be gone a moment later.
/// </summary>
public sealed class RegistryFolder
{
    private const string Repositories2 = "repositories";
    private readonly RootFolder _root;

    internal RegistryFolder(RootFolder root, string name, string dataFolder, bool isCache)
    {
        _root = root;
        (Name, DataFolder, IsCache) = (name, dataFolder, isCache);
    }

    /// <summary>What tells it from others that were found together: its path below the folder that was named; "." for that folder itself.</summary>
    public string Name { get; }

    /// <summary>The absolute path of <c>docker/registry/v2</c>, with every link resolved.</summary>
    public string Path => _root.Path;

    /// <summary>What the registry's configuration calls <c>rootdirectory</c>.</summary>
    public string DataFolder { get; }

    /// <summary>Is it a pull-through cache? Those have a <c>scheduler-state.json</c>, and rightly lack most of what their indexes list.</summary>
    public bool IsCache { get; }

    internal RootFolder Root => _root;

    /// <summary>As <see cref="IsCache"/>, told by someone who knows.</summary>
    public RegistryFolder As(bool isCache) => new(_root, Name, DataFolder, isCache);

    /// <summary>All repositories, in the order of their names' parts.</summary>
    public IEnumerable<RepositoryFolder> Repositories(Action<FolderProblem> tell)
    {
        var waiting = new Stack<string>([""]);
        while (waiting.TryPop(out var name))
        {
            var below = new List<string>();
            if (IsRepository(name, below, tell))
            {
                if (RepositoryName.TryParse(name, out var parsed))
                    yield return new RepositoryFolder(_root, parsed);
                else
                    tell(new FolderProblem(FolderProblemKind.Strange, $"{Repositories2}/{Quoted.Plain(name)}", $"{Quoted.Of(name)} is no repository's name, so that no client can ask for it"));
            }
            below.Sort(static (left, right) => string.CompareOrdinal(right, left));
            foreach (var child in below)
                waiting.Push(child);
        }
    }

    /// <returns>The repository of that name, whether or not there is such a folder.</returns>
    public RepositoryFolder Repository(RepositoryName name) => new(_root, name);

    /// <summary>Every folder of a blob, whether or not it holds one.</summary>
    public IEnumerable<BlobFile> Blobs(Action<FolderProblem> tell)
    {
        foreach (var algorithm in FoldersIn("blobs", tell))
        {
            if (!DigestAlgorithms.TryParse(algorithm, out _))
            {
                tell(new FolderProblem(FolderProblemKind.Strange, $"blobs/{Quoted.Plain(algorithm)}", "no hash algorithm that registries use"));
                continue;
            }
            foreach (var shard in FoldersIn($"blobs/{algorithm}", tell))
            {
                foreach (var hex in FoldersIn($"blobs/{algorithm}/{shard}", tell))
                {
                    if (Digest.TryParse($"{algorithm}:{hex}", out var digest) && digest.Hex[..2].SequenceEqual(shard))
                        yield return BlobFile.Look(_root, digest, FolderOf(digest));
                    else
                        tell(new FolderProblem(FolderProblemKind.Strange, $"blobs/{algorithm}/{Quoted.Plain(shard)}/{Quoted.Plain(hex)}", "no blob's folder: its name is no digest, or stands in the wrong place"));
                }
            }
        }
    }

    public BlobFile LookAt(Digest digest) => BlobFile.Look(_root, digest, FolderOf(digest));

    /// <summary>Where a blob's bytes are or would be.</summary>
    public string PathOf(Digest digest) => $"{Path}/{FolderOf(digest)}/data";

    /// <returns>Open for reading, its bytes unchecked; null if there is no such file.</returns>
    /// <exception cref="IOException">It can't be read or lies behind a link: whether the bytes are there is not known.</exception>
    /// <exception cref="AccessDeniedException">This user may not read it.</exception>
    public SafeFileHandle? TryOpen(Digest digest) => _root.TryOpen($"{FolderOf(digest)}/data", out _);

    /// <returns>The bytes of a small blob, unchecked; null if there are none, or more than <paramref name="maxBytes"/>.</returns>
    public byte[]? TryRead(Digest digest, int maxBytes)
    {
        using var file = _root.TryOpen($"{FolderOf(digest)}/data", out var state);
        if (file is null || state.SizeBytes > maxBytes)
            return null;
        var bytes = new byte[state.SizeBytes];
        var count = 0;
        for (int read; count < bytes.Length && (read = RandomAccess.Read(file, bytes.AsSpan(count), count)) > 0;)
            count += read;
        return count == bytes.Length ? bytes : bytes[..count];
    }

    internal static string FolderOf(Digest digest) => $"blobs/{digest.Algorithm.Name()}/{digest.Hex[..2]}/{digest.Hex}";

    private bool IsRepository(string name, List<string> below, Action<FolderProblem> tell)
    {
        var place = name.Length == 0 ? Repositories2 : $"{Repositories2}/{name}";
        var isRepository = false;
        foreach (var entry in Entries(place, tell))
        {
            var child = $"{place}/{Quoted.Plain(entry.Name)}";
            if (entry.Kind == EntryKind.Link)
                tell(new FolderProblem(FolderProblemKind.Linked, child, "a symbolic link, which is not followed"));
            else if (entry.Kind != EntryKind.Folder)
                tell(new FolderProblem(FolderProblemKind.Strange, child, "a file where only repositories are"));
            else if (entry.Name is "_manifests" or "_layers" or "_uploads" && name.Length > 0)
                isRepository = true;
            else if (entry.Name.StartsWith('_'))
                tell(new FolderProblem(FolderProblemKind.Strange, child, "no part of a repository's name begins with an underscore"));
            else if (name.Length + entry.Name.Length >= RepositoryName.MaxLength)
                tell(new FolderProblem(FolderProblemKind.Strange, child, $"a repository's name has at most {RepositoryName.MaxLength} characters"));
            else
                below.Add(name.Length == 0 ? entry.Name : $"{name}/{entry.Name}");
        }
        return isRepository;
    }

    private IEnumerable<string> FoldersIn(string place, Action<FolderProblem> tell)
    {
        foreach (var entry in Entries(place, tell))
        {
            if (entry.Kind == EntryKind.Folder)
                yield return entry.Name;
            else
                tell(new FolderProblem(
                    entry.Kind == EntryKind.Link ? FolderProblemKind.Linked : FolderProblemKind.Strange, $"{place}/{Quoted.Plain(entry.Name)}",
                    entry.Kind == EntryKind.Link ? "a symbolic link, which is not followed" : "a file where only folders are"));
        }
    }

    private IEnumerable<FolderEntry> Entries(string place, Action<FolderProblem> tell) => FolderListing.Read(_root, place, tell);
}
