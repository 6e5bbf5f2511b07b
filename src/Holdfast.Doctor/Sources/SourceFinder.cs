using Holdfast.Doctor.Registry2;

namespace Holdfast.Doctor.Sources;

/// <summary>Opens what somebody named by a path on this machine: looks what it is.</summary>
public static class SourceFinder
{
    /// <param name="tell">Gets what was passed over in a registry's folder.</param>
    /// <returns>One source; several if the folder holds several registries.</returns>
    /// <exception cref="SourceException">There is nothing, or nothing that is known here.</exception>
    public static async ValueTask<IReadOnlyList<ContentSource>> OpenAsync(string path, Action<FolderProblem> tell, CancellationToken token)
    {
        if (File.Exists(path))
            return [await ArchiveSource.OpenAsync(path, token)];
        if (!Directory.Exists(path))
            throw new SourceException($"there is no file and no folder '{path}'");
        if (File.Exists(Path.Combine(path, "oci-layout")) || (File.Exists(Path.Combine(path, "index.json")) && Directory.Exists(Path.Combine(path, "blobs"))))
            return [new LayoutSource(path)];
        if (Directory.Exists(Path.Combine(path, "io.containerd.content.v1.content")))
            return [new BlobFolderSource(Path.Combine(path, "io.containerd.content.v1.content"), "containerd's content store")];
        if (File.Exists(Path.Combine(path, "holdfast.db")))
            return [new BlobFolderSource(path, "the data folder")];
        if (Directory.Exists(Path.Combine(path, "blobs")) && Directory.Exists(Path.Combine(path, "ingest")))
            return [new BlobFolderSource(path, "containerd's content store")];
        try
        {
            return [.. RegistryFolders.Find(path, tell).Select(folder => new RegistryFolderSource(folder, tell))];
        }
        catch (NotARegistryException e)
        {
            throw new SourceException(
                Directory.Exists(Path.Combine(path, "blobs", "sha256"))
                    ? $"'{path}' has blobs, but is neither a registry's folder, an OCI layout nor containerd's content store"
                    : $"{e.Message} (known are registry:2's folders, OCI layouts, containerd's content store, and archives of docker save, podman save or an OCI layout)", e);
        }
    }
}
