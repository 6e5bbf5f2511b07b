using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Scan;

/// <param name="Detail">What it is, in words.</param>
public sealed record ScanNote(string Kind, string Path, string Detail);

/// <param name="State">Of the manifest's bytes.</param>
public sealed record HistoricTag(RepositoryName Repository, Tag Tag, Digest Digest, DateTimeOffset? PushedAt, bool IsLinked, ContentState State);

/// <summary>What was found in one registry's folder.</summary>
public sealed class RegistryReport(RegistryFolder folder)
{
    public RegistryFolder Folder => folder;

    public ScanCounts Counts { get; } = new();

    /// <summary>What is damaged, in the order of repositories.</summary>
    public List<ScanFinding> Findings { get; } = [];

    /// <summary>What is odd and harms nobody.</summary>
    public List<ScanNote> Notes { get; } = [];

    public List<HistoricTag> History { get; } = [];

    /// <summary>Links to configs or layers whose bytes are gone and that no manifest needs.</summary>
    public List<(RepositoryName Repository, Digest Digest)> IdleLayerLinks { get; } = [];

    public List<(RepositoryName Repository, UploadFolder Upload)> Uploads { get; } = [];
}

/// <param name="Fast">Was nothing hashed but manifests?</param>
public sealed record ScanReport(IReadOnlyList<RegistryReport> Registries, IReadOnlyList<FolderProblem> PassedOver, bool Fast)
{
    public bool IsClean => Registries.All(static registry => registry.Findings.Count == 0) && !PassedOver.Any(static problem => problem.Kind != FolderProblemKind.Strange);
}

/// <param name="Unit">bytes, blobs or repositories.</param>
public sealed record ScanProgress(string Step, long Done, long? Total, string Unit);

/// <param name="Fast">Are sizes compared and only manifests hashed?</param>
/// <param name="Parallelism">Files read at once.</param>
public sealed record ScanOptions(bool Fast, int Parallelism, Action<ScanProgress> Progress);
