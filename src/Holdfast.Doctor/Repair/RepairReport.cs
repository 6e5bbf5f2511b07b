using Holdfast.Client.Walk;
using Holdfast.Oci;

namespace Holdfast.Doctor.Repair;

public enum RepairKind
{
    /// <summary>A blob's or manifest's bytes, where there were none.</summary>
    Data,

    /// <summary>The same, in place of a file that held others.</summary>
    ReplacedData,
    RevisionLink,
    LayerLink,
}

/// <param name="Source">Where the bytes come from; null for links.</param>
/// <param name="SizeBytes">Of bytes, if it is known before they come.</param>
public sealed record RepairStep(RepairKind Kind, RepositoryName Repository, Digest Digest, string? Source, long? SizeBytes);

/// <summary>What could not be mended.</summary>
/// <param name="Why">What each donor said.</param>
public sealed record Unmended(RepositoryName Repository, Digest Manifest, StepRole Role, Digest Digest, string Why);

/// <summary>What a repair of one registry did, or would do.</summary>
public sealed class RepairReport
{
    public List<RepairStep> Steps { get; } = [];

    public List<Unmended> Unmended { get; } = [];

    /// <summary>Manifests that are whole now, or would be.</summary>
    public HashSet<(RepositoryName Repository, Digest Digest)> Mended { get; } = [];

    public List<string> DonorProblems { get; } = [];

    public string? JournalFolder { get; set; }
}
