using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Holdfast.Oci;

/// <summary>
/// Reads a pushed manifest or index (image-spec v1.1, manifest.md and image-index.md; Docker image manifest v2, schema 2). Strict where two
/// readers could see two different images in the same bytes (repeated or ambiguous members), lenient about everything that is only unknown.
/// </summary>
public static class ManifestParser
{
    private const string Schema1 =
        "is a Docker schema 1 manifest, which can't name its config and is no longer accepted; "
        + "push the image again with a current client, for example 'skopeo copy --format v2s2'";

    private static readonly string[] Accepted =
        [MediaTypes.OciManifest, MediaTypes.OciIndex, MediaTypes.DockerManifest, MediaTypes.DockerManifestList];

    /// <param name="payload">The body's bytes, as pushed.</param>
    /// <param name="contentType">The Content-Type header; parameters are ignored. If there is none, the body says what it is.</param>
    /// <param name="manifest">The parsed view.</param>
    /// <param name="problem">A sentence for the client that says what is wrong and where: MANIFEST_INVALID (dist-spec v1.1.1, code-6).</param>
    public static bool TryParse(
        ReadOnlyMemory<byte> payload, string? contentType, [NotNullWhen(true)] out Manifest? manifest, [NotNullWhen(false)] out string? problem)
    {
        manifest = null;
        var stated = WithoutParameters(contentType);
        if (stated.Length > 0 && !TryAccept(stated, "the Content-Type", out stated, out problem))
            return false;
        if (!StrictJson.TryParse(payload, out var document, out problem))
            return false;
        using (document)
        {
            var members = new ManifestMembers();
            if (!members.TryRead(document.RootElement) || !TryDecideType(members, stated, out var mediaType, out problem))
            {
                problem ??= members.Problem!;
                return false;
            }
            manifest = Build(members, mediaType);
            return true;
        }
    }

    private static Manifest Build(ManifestMembers members, string mediaType)
    {
        var layers = members.Layers ?? [];
        return new Manifest
        {
            MediaType = mediaType,
            ArtifactType = members.ArtifactType ?? (members.Config is { MediaType.Length: > 0 } config ? config.MediaType : null),
            Config = members.Config,
            Layers = layers.FindAll(static layer => !MediaTypes.IsNonDistributable(layer.MediaType)),
            NonDistributableLayers = layers.FindAll(static layer => MediaTypes.IsNonDistributable(layer.MediaType)),
            Children = members.Manifests ?? [],
            Subject = members.Subject,
            AnnotationsJson = members.AnnotationsJson,
        };
    }

    private static bool TryDecideType(ManifestMembers members, string stated, out string mediaType, out string? problem)
    {
        mediaType = stated;
        if (members.MediaType is { } inBody)
        {
            if (stated.Length == 0 && !TryAccept(inBody, "mediaType", out mediaType, out problem))
                return false;
            // Compared exactly: clients compare the body's text with the header's, and so does the specification.
            if (!string.Equals(inBody, mediaType, StringComparison.Ordinal))
                return Refuse(out problem, $"mediaType is {Excerpt.Of(inBody)}, but the Content-Type is '{mediaType}'; they must be the same");
        }
        if (members.SchemaVersion == 1)
            return Refuse(out problem, $"this {Schema1}");
        // CVE-2021-41190: bytes that are an index to one reader and an image to another.
        if (members.Manifests is not null && (members.Config is not null || members.Layers is not null))
            return Refuse(out problem, "it has both manifests and config or layers, so that it could be read as an index and as an image manifest");
        if (members.HasFsLayers)
            return Refuse(out problem, "it has fsLayers, which only a schema 1 manifest has, beside schemaVersion 2");

        if (mediaType.Length == 0 && !TryInfer(members, out mediaType, out problem))
            return false;
        return HasWhatItNeeds(members, mediaType, out problem);
    }

    private static bool HasWhatItNeeds(ManifestMembers members, string mediaType, out string? problem)
    {
        if (members.SchemaVersion != 2)
            return Refuse(out problem, "schemaVersion is missing or not the number 2");
        if (MediaTypes.IsIndex(mediaType) && members.Manifests is null)
            return Refuse(out problem, $"an index ('{mediaType}') needs manifests, an array of descriptors");
        if (!MediaTypes.IsIndex(mediaType) && members.Config is null)
            return Refuse(out problem, $"an image manifest ('{mediaType}') needs config, a descriptor");
        problem = null;
        return true;
    }

    // Only for a body that neither its header nor its mediaType names: the latter is optional in OCI's types alone.
    private static bool TryInfer(ManifestMembers members, out string mediaType, out string? problem)
    {
        mediaType = members.Manifests is not null ? MediaTypes.OciIndex : members.Config is not null ? MediaTypes.OciManifest : "";
        problem = null;
        return mediaType.Length > 0
            || Refuse(out problem, "it can't be told what it is: there is no Content-Type, no mediaType, and neither manifests nor config");
    }

    private static bool TryAccept(string text, string place, out string mediaType, [NotNullWhen(false)] out string? problem)
    {
        mediaType = Array.Find(Accepted, accepted => accepted.Equals(text, StringComparison.OrdinalIgnoreCase)) ?? "";
        problem = null;
        if (mediaType.Length > 0)
            return true;
        problem = text.ToLowerInvariant() is MediaTypes.DockerSchema1 or MediaTypes.DockerSchema1Signed
            ? $"by {place}, this {Schema1}"
            : $"{place} is {Excerpt.Of(text)}, which is no manifest type that is accepted here; these are: {string.Join(", ", Accepted)}";
        return false;
    }

    private static string WithoutParameters(string? contentType)
    {
        var text = contentType.AsSpan();
        var semicolon = text.IndexOf(';');
        return (semicolon < 0 ? text : text[..semicolon]).Trim().ToString();
    }

    private static bool Refuse(out string? problem, string sentence)
    {
        problem = sentence;
        return false;
    }
}
