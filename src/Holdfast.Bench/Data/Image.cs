using System.Text;

namespace Holdfast.Bench.Data;

/// <param name="Blobs">The config first, then the layers.</param>
internal sealed record Image(Blob Manifest, IReadOnlyList<Blob> Blobs)
{
    public const string MediaType = "application/vnd.oci.image.manifest.v1+json";
    public const string IndexType = "application/vnd.oci.image.index.v1+json";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string EmptyType = "application/vnd.oci.empty.v1+json";
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>The smallest manifest that there is, for lists that only need many of them.</summary>
    public static readonly Blob EmptyIndex = BlobSource.Of(Encoding.ASCII.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{IndexType}}","manifests":[]}"""));

    /// <summary>The config and the layer of what has none (image-spec v1.1, "Guidelines for Artifact Usage").</summary>
    public static readonly Blob Nothing = BlobSource.Of("{}"u8.ToArray());

    public long Length => Manifest.Length + Blobs.Sum(blob => blob.Length);

    /// <summary>A config of no weight and layers of the source.</summary>
    public static Image Of(BlobSource source, int layers)
    {
        var blobs = Enumerable.Range(0, layers).Select(_ => source.Next()).ToList();
        var diffs = string.Join(',', blobs.Select(static blob => $"\"{blob.Digest}\""));
        var config = Encoding.ASCII.GetBytes($$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[{{{diffs}}}]}}""");
        return Of([BlobSource.Of(config), .. blobs], "");
    }

    /// <summary>Another manifest of the same blobs.</summary>
    /// <param name="mark">Tells it from others.</param>
    public Image Marked(string mark) => Of(Blobs, $$$""","annotations":{"bench":"{{{mark}}}"}""");

    /// <summary>An artifact without bytes of its own that refers to this image.</summary>
    public Blob Referrer(string mark)
    {
        var nothing = Descriptor(EmptyType, Nothing);
        return BlobSource.Of(Encoding.ASCII.GetBytes(
            $$$"""{"schemaVersion":2,"mediaType":"{{{MediaType}}}","artifactType":"application/vnd.holdfast.bench","config":{{{nothing}}},"layers":[{{{nothing}}}],"subject":{{{Descriptor(MediaType, Manifest)}}},"annotations":{"bench":"{{{mark}}}"}}"""));
    }

    private static Image Of(IReadOnlyList<Blob> blobs, string more)
    {
        var layers = string.Join(',', blobs.Skip(1).Select(layer => Descriptor(LayerType, layer)));
        var manifest = $$"""{"schemaVersion":2,"mediaType":"{{MediaType}}","config":{{Descriptor(ConfigType, blobs[0])}},"layers":[{{layers}}]{{more}}}""";
        return new Image(BlobSource.Of(Encoding.ASCII.GetBytes(manifest)), blobs);
    }

    private static string Descriptor(string mediaType, Blob blob) =>
        $$"""{"mediaType":"{{mediaType}}","digest":"{{blob.Digest}}","size":{{blob.Length}}}""";
}
