using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EndToEnd.Images;

/// <summary>A descriptor as the image specification has it.</summary>
internal sealed record Content(string MediaType, string Digest, long Size)
{
    public JsonObject ToJson() => new() { ["mediaType"] = MediaType, ["digest"] = Digest, ["size"] = Size };
}

/// <summary>An OCI image layout folder that a test writes or reads: blobs by digest, and an index.json that names what is tagged.</summary>
internal sealed class OciLayout
{
    public const string ImageManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string ImageIndex = "application/vnd.oci.image.index.v1+json";
    public const string ImageConfig = "application/vnd.oci.image.config.v1+json";
    public const string GzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string PlainLayer = "application/vnd.oci.image.layer.v1.tar";
    public const string TagAnnotation = "org.opencontainers.image.ref.name";

    public OciLayout(string folder)
    {
        Folder = folder;
        Directory.CreateDirectory(Path.Combine(folder, "blobs", "sha256"));
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
    }

    public string Folder { get; }

    public string PathOf(string digest) => Path.Combine(Folder, "blobs", "sha256", digest["sha256:".Length..]);

    public Content Add(string mediaType, byte[] bytes)
    {
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes(PathOf(digest), bytes);
        return new Content(mediaType, digest, bytes.Length);
    }

    public Content Add(string mediaType, JsonNode document) => Add(mediaType, JsonSerializer.SerializeToUtf8Bytes(document));

    /// <summary>Takes over a file that lies in <see cref="Folder"/> under a name of its own.</summary>
    public Content Adopt(string mediaType, string file, string digest)
    {
        File.Move(file, PathOf(digest), overwrite: true);
        return new Content(mediaType, digest, new FileInfo(PathOf(digest)).Length);
    }

    public JsonObject Read(string digest) => JsonNode.Parse(File.ReadAllBytes(PathOf(digest)))!.AsObject();

    /// <summary>Hard-links all blobs of another layout into this one.</summary>
    /// <returns>What the other one tags.</returns>
    public Content Include(OciLayout other)
    {
        foreach (var blob in Directory.GetFiles(Path.Combine(other.Folder, "blobs", "sha256")))
        {
            File.Copy(blob, Path.Combine(Folder, "blobs", "sha256", Path.GetFileName(blob)), overwrite: true);
        }

        return other.Top();
    }

    /// <summary>What the layout's index.json tags; its only entry, if it has one without a tag.</summary>
    public Content Top()
    {
        var index = JsonNode.Parse(File.ReadAllBytes(Path.Combine(Folder, "index.json")))!;
        var entries = index["manifests"]!.AsArray();
        var top = entries.Count == 1 ? entries[0]! : entries.Single(entry => entry!["annotations"]?[TagAnnotation] is not null)!;
        return new Content((string)top["mediaType"]!, (string)top["digest"]!, (long)top["size"]!);
    }

    /// <param name="name">Containerd's annotation for a full image name, which its import reads; null: none.</param>
    public void Tag(Content content, string tag, string? name = null)
    {
        var descriptor = content.ToJson();
        var annotations = new JsonObject { [TagAnnotation] = tag };
        if (name is not null)
        {
            annotations["io.containerd.image.name"] = name;
        }

        descriptor["annotations"] = annotations;
        var index = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(descriptor) };
        File.WriteAllText(Path.Combine(Folder, "index.json"), index.ToJsonString());
    }

    /// <summary>An image manifest over a config and layers that are here already.</summary>
    public Content AddManifest(Content config, IEnumerable<Content> layers) =>
        Add(ImageManifest, new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ImageManifest,
            ["config"] = config.ToJson(),
            ["layers"] = new JsonArray([.. layers.Select(layer => (JsonNode)layer.ToJson())]),
        });
}
