namespace Holdfast.Oci;

/// <summary>
/// The parsed view of a manifest or an index. The pushed bytes are the truth and are what is stored; nothing here is ever written back.
/// </summary>
public sealed class Manifest
{
    /// <summary>Bytes; the size that every registry is expected to accept (dist-spec v1.1.1, "Pushing Manifests").</summary>
    public const int MaxSizeBytes = 4 * 1024 * 1024;

    /// <summary>The type it is served with: the pushed Content-Type without parameters.</summary>
    public required string MediaType { get; init; }

    /// <summary><c>artifactType</c>, or for an image manifest without one its config's media type; null for an index without one.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>The config; null for an index.</summary>
    public Descriptor? Config { get; init; }

    /// <summary>Layers that must be present (hard edges).</summary>
    public IReadOnlyList<Descriptor> Layers { get; init; } = [];

    /// <summary>Layers that must not be pushed (soft edges).</summary>
    public IReadOnlyList<Descriptor> NonDistributableLayers { get; init; } = [];

    /// <summary>Children from <c>manifests[]</c> (hard edges in a hosted registry).</summary>
    public IReadOnlyList<Descriptor> Children { get; init; } = [];

    /// <summary>The subject (a soft edge), if any.</summary>
    public Descriptor? Subject { get; init; }

    /// <summary>The manifest's own <c>annotations</c> as the raw JSON object, for referrers' descriptors; null if there are none.</summary>
    public string? AnnotationsJson { get; init; }
}
