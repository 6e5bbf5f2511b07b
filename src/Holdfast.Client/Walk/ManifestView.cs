using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>What a manifest refers to and must have (hard edges), as a walk needs it.</summary>
/// <param name="MediaType">Empty if neither the registry nor the manifest says.</param>
/// <param name="SizeBytes">Of the manifest itself.</param>
/// <param name="Edges">In the manifest's order.</param>
/// <param name="Subject">A soft edge; null if it names none.</param>
/// <param name="Skipped">Layers that need not be there (non-distributable).</param>
public sealed record ManifestView(string MediaType, int SizeBytes, IReadOnlyList<ManifestEdge> Edges, Descriptor? Subject, int Skipped)
{
    public bool IsIndex => Edges.Count > 0 ? Edges[0].Role == StepRole.Child : MediaTypes.IsIndex(MediaType);
}

/// <param name="Name">A child's platform, or empty.</param>
public sealed record ManifestEdge(StepRole Role, Descriptor Content, string Name);
