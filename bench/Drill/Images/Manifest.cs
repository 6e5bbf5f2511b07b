namespace Holdfast.Drill.Images;

/// <summary>A manifest with what must be pushed before it.</summary>
/// <param name="Blobs">Config and layers; none for an index.</param>
/// <param name="Children">None for an image.</param>
internal sealed record Manifest(Content Content, string MediaType, IReadOnlyList<Content> Blobs, IReadOnlyList<Manifest> Children)
{
    public const string ImageType = "application/vnd.oci.image.manifest.v1+json";
    public const string IndexType = "application/vnd.oci.image.index.v1+json";

    public string Digest => Content.Digest;

    /// <summary>It belongs to another manifest, and needs no tag.</summary>
    public bool IsReferrer { get; init; }

    /// <summary>Itself last, after all that it lists.</summary>
    public IEnumerable<Manifest> Closure => [.. Children.SelectMany(child => child.Closure), this];
}
