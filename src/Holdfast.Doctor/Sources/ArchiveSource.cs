using System.Runtime.CompilerServices;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>
/// A tar file of images: an OCI layout in an archive (also what <c>docker save</c> writes since version 25), or the older archive of <c>docker save</c> and
/// <c>podman save</c>, which keeps no manifests. For the latter, a manifest is made from its config and its unpacked layers, with a digest of its own.
/// </summary>
public sealed class ArchiveSource : ContentSource
{
    private readonly ArchiveFile _archive;
    private readonly DockerArchive? _docker;

    private ArchiveSource(ArchiveFile archive, DockerArchive? docker) => (_archive, _docker) = (archive, docker);

    public override string Name => $"the archive {_archive.Path}";

    public override bool CanList => true;

    /// <summary>Are its manifests made here, so that their digests are others than those the images were pushed or pulled with?</summary>
    public bool MakesManifests => _docker is not null;

    /// <exception cref="SourceException">It can't be read, or is none of these.</exception>
    public static async ValueTask<ArchiveSource> OpenAsync(string path, CancellationToken token)
    {
        var archive = ArchiveFile.Open(path, token);
        try
        {
            if (archive.TryOpen("index.json") is not null)
                return new ArchiveSource(archive, null);
            if (await archive.TryReadAsync("manifest.json", LayoutIndex.MaxSizeBytes, token) is { } list)
                return new ArchiveSource(archive, await DockerArchive.ReadAsync(archive, list, token));
            throw new SourceException($"'{path}' is no archive of images: it has neither index.json (OCI) nor manifest.json (docker save)");
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    public override ValueTask<SourceBlob?> TryOpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        if (_docker?.TryGetManifest(digest) is { } made)
            return ValueTask.FromResult<SourceBlob?>(new SourceBlob(new MemoryStream(made, writable: false), made.Length));
        var name = _docker?.TryGetMember(digest) ?? $"blobs/{digest.Algorithm.Name()}/{digest.Hex}";
        return ValueTask.FromResult(_archive.TryOpen(name) is var (content, size) ? new SourceBlob(content, size) : null);
    }

    public override async IAsyncEnumerable<SourceImage> ListImagesAsync(
        Func<RepositoryName, bool> isWanted, [EnumeratorCancellation] CancellationToken token)
    {
        var images = _docker?.Images ?? LayoutIndex.Read(await _archive.TryReadAsync("index.json", LayoutIndex.MaxSizeBytes, token) ?? [], Name);
        foreach (var image in images)
        {
            if (image.Repository.IsNone || isWanted(image.Repository))
                yield return image;
        }
    }

    public override ValueTask DisposeAsync()
    {
        _archive.Dispose();
        return base.DisposeAsync();
    }
}
