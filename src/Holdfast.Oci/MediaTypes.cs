namespace Holdfast.Oci;

/// <summary>Media types of image-spec v1.1 (media-types.md) and of Docker's schema 2, as pushed by clients.</summary>
public static class MediaTypes
{
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerSchema1 = "application/vnd.docker.distribution.manifest.v1+json";
    public const string DockerSchema1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    public const string DockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

    /// <summary>Is this what is pushed and pulled as a manifest, an index too?</summary>
    public static bool IsManifest(string mediaType) => mediaType is OciManifest or DockerManifest || IsIndex(mediaType);

    /// <summary>Is this an index or a manifest list, which has children in <c>manifests[]</c>?</summary>
    public static bool IsIndex(string mediaType) => mediaType is OciIndex or DockerManifestList;

    /// <summary>Layers that must not be pushed and may be absent: a soft edge (image-spec v1.1, layer.md "Non-Distributable Layers").</summary>
    public static bool IsNonDistributable(string mediaType) =>
        mediaType is DockerForeignLayer || mediaType.StartsWith("application/vnd.oci.image.layer.nondistributable.", StringComparison.Ordinal);
}
