using System.Text;

namespace Holdfast.Load.Data;

/// <param name="Blobs">The config first, then the layers.</param>
internal sealed record Image(Blob Manifest, IReadOnlyList<Blob> Blobs)
{
    public const string MediaType = "application/vnd.oci.image.manifest.v1+json";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";

    public long Length => Manifest.Length + Blobs.Sum(blob => blob.Length);

    /// <summary>A config and two layers, each a blob of the source.</summary>
    public static Image Small(BlobSource source) => Of([source.Next(), source.Next(), source.Next()]);

    /// <summary>A config of no weight and one layer of the source.</summary>
    public static Image Large(BlobSource source)
    {
        var layer = source.Next();
        var config = Encoding.ASCII.GetBytes($$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["{{{layer.Digest}}}"]}}""");
        return Of([BlobSource.Of(config), layer]);
    }

    private static Image Of(Blob[] blobs)
    {
        var layers = string.Join(',', blobs.Skip(1).Select(layer => Descriptor(LayerType, layer)));
        var manifest = $$"""{"schemaVersion":2,"mediaType":"{{MediaType}}","config":{{Descriptor(ConfigType, blobs[0])}},"layers":[{{layers}}]}""";
        return new Image(BlobSource.Of(Encoding.ASCII.GetBytes(manifest)), blobs);
    }

    private static string Descriptor(string mediaType, Blob blob) =>
        $$"""{"mediaType":"{{mediaType}}","digest":"{{blob.Digest}}","size":{{blob.Length}}}""";
}
