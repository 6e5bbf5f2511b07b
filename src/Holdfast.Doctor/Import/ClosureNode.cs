using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Doctor.Import;

/// <summary>One manifest of the source on its way.</summary>
internal sealed class ClosureNode(Digest digest)
{
    public Digest Digest => digest;

    /// <summary>Null if it could not be had, or needs not be.</summary>
    public SourceManifest? Source { get; set; }

    public Manifest? Manifest { get; set; }

    /// <summary>The target has it, and all that it needs.</summary>
    public bool IsThere { get; set; }

    /// <summary>What is wrong with the manifest itself.</summary>
    public Flaw? Flaw { get; set; }

    public List<Descriptor> Children { get; } = [];

    /// <summary>Config, layers, and what an index lists that is no manifest.</summary>
    public List<LinkedBlob> Blobs { get; } = [];
}

/// <summary>Why something can't be taken.</summary>
/// <param name="IsUnknown">It could not be read, so that nobody knows whether it is right (P6).</param>
internal sealed record Flaw(string What, bool IsUnknown = false);
