using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Doctor.Sources;

/// <summary>The <c>index.json</c> of an OCI layout (image-spec v1.1, image-layout.md): an index whose entries may carry names.</summary>
internal static class LayoutIndex
{
    /// <summary>Bytes; a layout of ten thousand images has some three million.</summary>
    public const int MaxSizeBytes = 64 * 1024 * 1024;

    // The specification's, which is a tag alone or a whole reference, and what containerd and docker write beside it.
    private const string RefName = "org.opencontainers.image.ref.name";
    private const string ImageName = "io.containerd.image.name";

    /// <exception cref="SourceException">It is no such index.</exception>
    public static IEnumerable<SourceImage> Read(ReadOnlyMemory<byte> bytes, string name)
    {
        using var document = Parse(bytes, name);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("manifests", out var manifests) || manifests.ValueKind != JsonValueKind.Array)
            throw new SourceException($"{name}: its index.json has no manifests");
        foreach (var entry in manifests.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object || !Digest.TryParse(TextOf(entry, "digest"), out var digest))
                throw new SourceException($"{name}: an entry of its index.json has no digest");
            var (repository, tag) = NameOf(entry);
            yield return new SourceImage(repository, tag, digest, null);
        }
    }

    /// <summary>Splits what clients call an image: <c>host:5000/team/app:v1</c>, <c>app:v1</c>, <c>v1</c>. The host is left out.</summary>
    public static (RepositoryName Repository, Tag Tag) Split(string text)
    {
        text = text.Split('@')[0];
        var colon = text.LastIndexOf(':');
        var slash = text.LastIndexOf('/');
        if (colon < 0 && slash < 0)
            return (default, Tag.TryParse(text, out var alone) ? alone : default);
        var tag = colon > slash && Tag.TryParse(text[(colon + 1)..], out var parsed) ? parsed : default;
        var path = colon > slash ? text[..colon] : text;
        var first = path.Split('/')[0];
        // As docker tells a host from a part of a name.
        if (path.Contains('/', StringComparison.Ordinal) && (first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first == "localhost"))
            path = path[(first.Length + 1)..];
        return (RepositoryName.TryParse(path, out var repository) ? repository : default, tag);
    }

    private static (RepositoryName Repository, Tag Tag) NameOf(JsonElement entry)
    {
        if (!entry.TryGetProperty("annotations", out var annotations) || annotations.ValueKind != JsonValueKind.Object)
            return default;
        var whole = TextOf(annotations, ImageName) is { } image ? Split(image) : default;
        var named = TextOf(annotations, RefName) is { } reference ? Split(reference) : default;
        return (whole.Repository.IsNone ? named.Repository : whole.Repository, whole.Tag.IsNone ? named.Tag : whole.Tag);
    }

    private static string? TextOf(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonDocument Parse(ReadOnlyMemory<byte> bytes, string name)
    {
        try
        {
            return JsonDocument.Parse(bytes);
        }
        catch (JsonException e)
        {
            throw new SourceException($"{name}: its index.json is not JSON: line {e.LineNumber + 1}", e);
        }
    }
}
