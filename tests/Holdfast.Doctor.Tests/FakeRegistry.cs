using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Tests;

/// <summary>Writes what registry:2 writes, file by file, to a folder of its own. The real one is used in the end-to-end tests.</summary>
internal sealed class FakeRegistry
{
    public const string OciImage = "application/vnd.oci.image.manifest.v1+json";
    private const string Layout = "docker/registry/v2";
    private int _images;

    public FakeRegistry(string data, bool isCache = false)
    {
        Data = data;
        Directory.CreateDirectory(PathOf("blobs/sha256"));
        Directory.CreateDirectory(PathOf("repositories"));
        if (isCache)
            File.WriteAllText(Path.Combine(data, "scheduler-state.json"), "{}");
    }

    public string Data { get; }

    public RegistryFolder Open() => RegistryFolders.Find(Data, problem => Problems.Add(problem)).Single();

    public List<FolderProblem> Problems { get; } = [];

    public string PathOf(string relative) => Path.Combine(Data, Layout, relative);

    public string BlobFolder(Digest digest) => PathOf($"blobs/sha256/{digest.Hex[..2]}/{digest.Hex}");

    public string DataFile(Digest digest) => BlobFolder(digest) + "/data";

    public string RevisionFolder(string repository, Digest digest) => PathOf($"repositories/{repository}/_manifests/revisions/sha256/{digest.Hex}");

    public string LayerFolder(string repository, Digest digest) => PathOf($"repositories/{repository}/_layers/sha256/{digest.Hex}");

    public string TagFolder(string repository, string tag) => PathOf($"repositories/{repository}/_manifests/tags/{tag}");

    public Digest PutData(ReadOnlySpan<byte> bytes)
    {
        var digest = Digest.Compute(DigestAlgorithm.Sha256, bytes);
        Directory.CreateDirectory(BlobFolder(digest));
        File.WriteAllBytes(DataFile(digest), bytes);
        return digest;
    }

    public Descriptor PutBlob(string repository, ReadOnlySpan<byte> bytes, string mediaType)
    {
        var digest = PutData(bytes);
        WriteLink(LayerFolder(repository, digest), digest);
        return new Descriptor(mediaType, digest, bytes.Length);
    }

    public Descriptor PutManifest(string repository, JsonObject manifest, string? tag = null)
    {
        var bytes = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        var digest = PutData(bytes);
        WriteLink(RevisionFolder(repository, digest), digest);
        if (tag is not null)
            PutTag(repository, tag, digest);
        return new Descriptor((string?)manifest["mediaType"] ?? "", digest, bytes.Length);
    }

    public void PutTag(string repository, string tag, Digest digest)
    {
        WriteLink(TagFolder(repository, tag) + "/current", digest);
        WriteLink($"{TagFolder(repository, tag)}/index/sha256/{digest.Hex}", digest);
    }

    /// <summary>An image of a config and so many layers, all its own unless some are given.</summary>
    public FakeImage PutImage(string repository, string? tag = null, int layers = 2, IEnumerable<Descriptor>? shared = null)
    {
        var number = (++_images).ToString(CultureInfo.InvariantCulture);
        var config = PutBlob(repository, Encoding.UTF8.GetBytes($$"""{"image":"{{number}} of {{repository}}"}"""), "application/vnd.oci.image.config.v1+json");
        var all = Enumerable.Range(0, layers)
            .Select(layer => PutBlob(repository, SHA256.HashData(Encoding.UTF8.GetBytes($"{repository} {number} {layer}")), "application/vnd.oci.image.layer.v1.tar+gzip"))
            .Concat(shared ?? []).ToList();
        var manifest = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciImage,
            ["config"] = Json(config),
            ["layers"] = new JsonArray([.. all.Select(Json)]),
        };
        return new FakeImage(PutManifest(repository, manifest, tag), config, all);
    }

    public Descriptor PutIndex(string repository, string? tag, IEnumerable<Descriptor> children, bool withMediaType = true)
    {
        var index = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray([.. children.Select(Json)]) };
        if (withMediaType)
            index["mediaType"] = MediaTypes.OciIndex;
        return PutManifest(repository, index, tag);
    }

    /// <summary>What garbage-collect -m does to a manifest of an index: its link's folder goes, its bytes stay, what only it refers to is swept.</summary>
    public void CollectChild(string repository, FakeImage image)
    {
        Directory.Delete(RevisionFolder(repository, image.Manifest.Digest), recursive: true);
        foreach (var blob in image.Layers.Append(image.Config))
            DropData(blob.Digest);
    }

    public void DropData(Digest digest)
    {
        if (Directory.Exists(BlobFolder(digest)))
            Directory.Delete(BlobFolder(digest), recursive: true);
    }

    public static void WriteLink(string folder, Digest digest)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(folder + "/link", digest.ToString());
    }

    private static JsonObject Json(Descriptor descriptor) =>
        new() { ["mediaType"] = descriptor.MediaType, ["digest"] = descriptor.Digest.ToString(), ["size"] = descriptor.SizeBytes };
}

internal sealed record FakeImage(Descriptor Manifest, Descriptor Config, IReadOnlyList<Descriptor> Layers);
