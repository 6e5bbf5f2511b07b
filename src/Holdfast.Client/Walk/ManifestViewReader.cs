using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>
/// Reads manifests of any registry, leniently: what an old registry has kept for years may be odd and can still be pulled. Membership is read from
/// <c>manifests[]</c>, whatever the media type says.
/// </summary>
public static class ManifestViewReader
{
    // What is named beyond the image specification: the layers of the OCI artifact manifest that 1.1 gave up again.
    private static readonly string[] BlobLists = ["layers", "blobs"];
    private static readonly string[] PlatformParts = ["os", "architecture", "variant"];

    /// <param name="problem">A sentence about the manifest, without a subject: "is no JSON".</param>
    public static bool TryRead(RemoteManifest manifest, [NotNullWhen(true)] out ManifestView? view, [NotNullWhen(false)] out string? problem)
    {
        view = null;
        try
        {
            using var document = JsonDocument.Parse(manifest.Payload);
            problem = document.RootElement.ValueKind == JsonValueKind.Object ? Read(document.RootElement, manifest, out view) : "is JSON and no object";
        }
        catch (JsonException)
        {
            problem = "is no JSON";
        }
        return problem is null && view is not null;
    }

    private static string? Read(JsonElement root, RemoteManifest manifest, out ManifestView? view)
    {
        view = null;
        if (Has(root, "fsLayers") || manifest.MediaType is MediaTypes.DockerSchema1 or MediaTypes.DockerSchema1Signed)
            return "is a Docker schema 1 manifest, which current clients don't pull; push the image again";
        var isIndex = Has(root, "manifests");
        if (isIndex && (Has(root, "config") || Has(root, "layers")))
            return "has both manifests and config or layers, so that it is an index to one client and an image to another";
        if (!isIndex && !Has(root, "config") && !Array.Exists(BlobLists, list => Has(root, list)))
            return "has neither manifests nor config nor layers";
        var edges = new List<ManifestEdge>();
        var skipped = 0;
        var problem = isIndex ? ReadChildren(root, edges) : ReadBlobs(root, edges, ref skipped);
        Descriptor? subject = null;
        if (problem is null && Has(root, "subject") && !DescriptorText.TryRead(root.GetProperty("subject"), out subject, out var wrong))
            problem = $"can't be used: subject{wrong}";
        var type = DescriptorText.Text(root, "mediaType") is { Length: > 0 } own ? own : Failures.Printable(manifest.MediaType);
        view = new ManifestView(string.IsInterned(type) ?? type, manifest.Payload.Length, edges.ToArray(), subject, skipped);
        return problem;
    }

    private static string? ReadChildren(JsonElement root, List<ManifestEdge> edges)
    {
        foreach (var (place, element) in ItemsOf(root, "manifests"))
        {
            if (!DescriptorText.TryRead(element, out var child, out var wrong))
                return $"can't be used: {place}{wrong}";
            edges.Add(new ManifestEdge(StepRole.Child, child, PlatformOf(element)));
        }
        return null;
    }

    private static string? ReadBlobs(JsonElement root, List<ManifestEdge> edges, ref int skipped)
    {
        if (Has(root, "config"))
        {
            if (!DescriptorText.TryRead(root.GetProperty("config"), out var config, out var wrong))
                return $"can't be used: config{wrong}";
            edges.Add(new ManifestEdge(StepRole.Config, config, ""));
        }
        foreach (var (place, element) in BlobLists.SelectMany(list => ItemsOf(root, list)))
        {
            if (!DescriptorText.TryRead(element, out var layer, out var wrong))
                return $"can't be used: {place}{wrong}";
            if (MediaTypes.IsNonDistributable(layer.MediaType))
                skipped++;
            else
                edges.Add(new ManifestEdge(StepRole.Layer, layer, ""));
        }
        return null;
    }

    private static IEnumerable<(string Place, JsonElement Element)> ItemsOf(JsonElement root, string list) =>
        !Has(root, list) ? []
        : root.GetProperty(list) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray().Select((element, i) => ($"{list}[{i}]", element))
        : [(list, default)];

    // Go writes an empty list or pointer as null.
    private static bool Has(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private static string PlatformOf(JsonElement child)
    {
        if (child.TryGetProperty("annotations", out var notes) && DescriptorText.Text(notes, "vnd.docker.reference.type") is "attestation-manifest")
            return "attestation";
        if (!child.TryGetProperty("platform", out var platform))
            return "";
        var parts = PlatformParts.Select(part => DescriptorText.Text(platform, part)).Where(text => text.Length > 0);
        var version = DescriptorText.Text(platform, "os.version");
        var name = string.Join('/', parts) + (version.Length > 0 ? $" {version}" : "");
        return string.IsInterned(name) ?? name;
    }
}
