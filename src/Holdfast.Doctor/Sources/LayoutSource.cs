using System.Runtime.CompilerServices;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>An OCI layout (image-spec v1.1, image-layout.md).</summary>
public sealed class LayoutSource(string folder) : BlobFolderSource(folder, "the OCI layout")
{
    public override bool CanList => true;

    public override async IAsyncEnumerable<SourceImage> ListImagesAsync(
        Func<RepositoryName, bool> isWanted, [EnumeratorCancellation] CancellationToken token)
    {
        foreach (var image in LayoutIndex.Read(await ReadIndexAsync(token), Name))
        {
            if (image.Repository.IsNone || isWanted(image.Repository))
                yield return image;
        }
    }

    private async ValueTask<byte[]> ReadIndexAsync(CancellationToken token)
    {
        var path = Path.Combine(Folder, "index.json");
        try
        {
            return new FileInfo(path).Length <= LayoutIndex.MaxSizeBytes
                ? await File.ReadAllBytesAsync(path, token)
                : throw new SourceException($"{Name}: its index.json has more than {LayoutIndex.MaxSizeBytes} bytes");
        }
        catch (Exception e) when (e is not SourceException and (IOException or UnauthorizedAccessException))
        {
            throw new SourceException($"{Name}: {e.Message}", e);
        }
    }
}
