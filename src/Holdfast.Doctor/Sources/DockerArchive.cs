using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>
/// The archive of <c>docker save</c>: <c>manifest.json</c> names each image's config and unpacked layers by file; the config's <c>rootfs.diff_ids</c> are the
/// layers' digests. What is made of it is a manifest of Docker's schema 2 whose layers are these files as they are.
/// </summary>
internal sealed class DockerArchive
{
    private const string ConfigType = "application/vnd.docker.container.image.v1+json";
    private const string LayerType = "application/vnd.docker.image.rootfs.diff.tar";
    private const int MaxConfigBytes = Manifest.MaxSizeBytes;

    private readonly Dictionary<Digest, string> _members = [];
    private readonly Dictionary<Digest, byte[]> _manifests = [];

    public List<SourceImage> Images { get; } = [];

    /// <exception cref="SourceException">It is not what such archives are.</exception>
    public static async ValueTask<DockerArchive> ReadAsync(ArchiveFile file, byte[] list, CancellationToken token)
    {
        var archive = new DockerArchive();
        try
        {
            using var document = JsonDocument.Parse(list);
            foreach (var image in document.RootElement.EnumerateArray())
                await archive.AddAsync(file, image, token);
            return archive;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new SourceException($"'{file.Path}': its manifest.json is not what docker save writes: {e.Message}", e);
        }
    }

    public string? TryGetMember(Digest digest) => _members.GetValueOrDefault(digest);

    public byte[]? TryGetManifest(Digest digest) => _manifests.GetValueOrDefault(digest);

    private async ValueTask AddAsync(ArchiveFile file, JsonElement image, CancellationToken token)
    {
        var configName = Text(image.GetProperty("Config"));
        var config = await file.TryReadAsync(configName, MaxConfigBytes, token) ?? throw new SourceException($"'{file.Path}' lacks the config {Quoted.Of(configName)}");
        var configDigest = Digest.Compute(DigestAlgorithm.Sha256, config);
        _members[configDigest] = configName;

        using var document = JsonDocument.Parse(config);
        var ids = document.RootElement.GetProperty("rootfs").GetProperty("diff_ids").EnumerateArray().Select(Text).ToList();
        var names = image.GetProperty("Layers").EnumerateArray().Select(Text).ToList();
        if (ids.Count != names.Count)
            throw new SourceException($"'{file.Path}': {Quoted.Of(configName)} lists {ids.Count} layers, the archive {names.Count}");
        var layers = new List<Descriptor>(ids.Count);
        for (var i = 0; i < ids.Count; i++)
        {
            if (!Digest.TryParse(ids[i], out var digest))
                throw new SourceException($"'{file.Path}': a layer's id is {Quoted.Of(ids[i])}, which is no digest");
            if (file.TryOpen(names[i]) is not var (content, size))
                throw new SourceException($"'{file.Path}' lacks the layer {Quoted.Of(names[i])}");
            await content.DisposeAsync();
            _members[digest] = names[i];
            layers.Add(new Descriptor(LayerType, digest, size));
        }
        var manifest = Write(new Descriptor(ConfigType, configDigest, config.Length), layers);
        var found = Digest.Compute(DigestAlgorithm.Sha256, manifest);
        _manifests[found] = manifest;
        AddNames(image, found);
    }

    private void AddNames(JsonElement image, Digest digest)
    {
        var names = image.TryGetProperty("RepoTags", out var tags) && tags.ValueKind == JsonValueKind.Array ? tags.EnumerateArray().Select(Text).ToList() : [];
        if (names.Count == 0)
            Images.Add(new SourceImage(default, default, digest, null));
        foreach (var name in names)
        {
            var (repository, tag) = LayoutIndex.Split(name);
            Images.Add(new SourceImage(repository, tag, digest, null));
        }
    }

    private static string Text(JsonElement element) => element.GetString() ?? throw new JsonException("a name is null");

    private static byte[] Write(Descriptor config, List<Descriptor> layers)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.DockerManifest);
            json.WritePropertyName("config");
            Write(json, config);
            json.WriteStartArray("layers");
            foreach (var layer in layers)
                Write(json, layer);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private static void Write(Utf8JsonWriter json, Descriptor descriptor)
    {
        json.WriteStartObject();
        json.WriteString("mediaType", descriptor.MediaType);
        json.WriteNumber("size", descriptor.SizeBytes);
        json.WriteString("digest", descriptor.Digest.ToString());
        json.WriteEndObject();
    }
}
