using Holdfast.Oci;
using Holdfast.Storage;

namespace Holdfast.Doctor.Sources;

/// <summary>A folder of blobs that keeps no list of images that can be read here: containerd's content store, another Holdfast's data folder.</summary>
public class BlobFolderSource : ContentSource
{
    private readonly FolderDonor _folder;

    public BlobFolderSource(string folder, string kind)
    {
        Folder = Path.GetFullPath(folder);
        Name = $"{kind} {Folder}";
        _folder = new FolderDonor(Folder);
    }

    public override string Name { get; }

    protected string Folder { get; }

    public override ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        try
        {
            var file = _folder.TryOpen(digest);
            return ValueTask.FromResult(file is null ? null : new SourceBlob(file, file.Length) { File = RealPath(file) });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"{Name}: {e.Message}", e);
        }
    }

    private static string? RealPath(FileStream file) => new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget;
}
