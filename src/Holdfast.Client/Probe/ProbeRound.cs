using Holdfast.Client.Walk;
using Holdfast.Oci;

namespace Holdfast.Client.Probe;

/// <summary>What one round over one registry came to.</summary>
/// <param name="Fault">Why it did not come to its end; null if it did.</param>
/// <param name="CatalogAccessible">Did the registry list repositories, and at least one?</param>
/// <param name="Repositories">With tags that were checked.</param>
/// <param name="TagsKnown">All tags, checked in this round or not.</param>
/// <param name="Broken">Tags with findings, of this round.</param>
public sealed record ProbeRound(
    string Instance, string? Fault, bool CatalogAccessible, int Repositories, int Tags, int TagsKnown, WalkCounts Counts, IReadOnlyList<RootReport> Broken, TimeSpan Elapsed)
{
    public bool IsFinished => Fault is null;

    /// <summary>Of repositories whose tags could not be listed, why.</summary>
    public IReadOnlyDictionary<RepositoryName, string> Unlisted { get; init; } = new Dictionary<RepositoryName, string>();
}
