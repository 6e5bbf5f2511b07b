using Holdfast.Oci;

namespace Holdfast.Client.Probe;

/// <summary>A tag of a registry; <see cref="Tag"/> is none for the list of a repository's tags itself.</summary>
public readonly record struct TagKey(RepositoryName Repository, Tag Tag);

/// <param name="CheckedAt">Unix seconds; 0: never.</param>
/// <param name="Failures">Objects that were wrong then.</param>
public readonly record struct TagState(long CheckedAt, int Failures);
