using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Holdfast.Drill.Images;

/// <summary>Makes small images of all shapes from a seeded source of randomness; not for several threads.</summary>
internal sealed class ImageMaker(Random random, int layerBytes)
{
    private const int RememberedLayers = 16;
    private readonly List<Content> _layers = [];

    /// <param name="layers">How many; some of them shared with earlier images of this maker, if <paramref name="sharing"/>.</param>
    /// <param name="subject">Makes it a referrer.</param>
    public Manifest Image(int layers = 2, bool sharing = true, Manifest? subject = null)
    {
        var used = Enumerable.Range(0, layers).Select(_ => sharing && _layers.Count > 0 && random.Next(3) == 0 ? _layers[random.Next(_layers.Count)] : Layer()).ToList();
        var config = Content.Of(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $$$"""{"architecture":"amd64","os":"linux","created":"{{{random.NextInt64():x}}}","rootfs":{"type":"layers","diff_ids":[]}}""")));
        var json = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = Manifest.ImageType,
            ["config"] = Describe("application/vnd.oci.image.config.v1+json", config),
            ["layers"] = new JsonArray([.. used.Select(layer => Describe("application/vnd.oci.image.layer.v1.tar", layer))]),
        };
        if (subject is not null)
        {
            json["artifactType"] = "application/vnd.example.note";
            json["subject"] = Describe(subject.MediaType, subject.Content);
        }

        return new Manifest(Content.Of(Encoding.UTF8.GetBytes(json.ToJsonString())), Manifest.ImageType, [config, .. used], []) { IsReferrer = subject is not null };
    }

    public Manifest Index(params IReadOnlyList<Manifest> children)
    {
        var json = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = Manifest.IndexType,
            ["manifests"] = new JsonArray([.. children.Select(child => Describe(child.MediaType, child.Content))]),
            ["annotations"] = new JsonObject { ["made"] = random.NextInt64().ToString("x", CultureInfo.InvariantCulture) },
        };
        return new Manifest(Content.Of(Encoding.UTF8.GetBytes(json.ToJsonString())), Manifest.IndexType, [], children);
    }

    /// <summary>Most are images; a third are indexes, some of them nested or empty.</summary>
    public Manifest Any() => random.Next(12) switch
    {
        0 => Index(Index(Image(), Image()), Image()),
        1 => Index(),
        2 or 3 => Index(Image(), Image()),
        4 => Image(layers: 0),
        5 => Image(layers: 5),
        _ => Image(),
    };

    private Content Layer()
    {
        var bytes = new byte[Math.Max(16, random.Next(layerBytes))];
        random.NextBytes(bytes);
        var layer = Content.Of(bytes);
        if (_layers.Count < RememberedLayers)
            _layers.Add(layer);
        else
            _layers[random.Next(RememberedLayers)] = layer;
        return layer;
    }

    private static JsonObject Describe(string mediaType, Content content) =>
        new() { ["mediaType"] = mediaType, ["digest"] = content.Digest, ["size"] = content.Bytes.Length };
}
