using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>What became of one tag, or of one digest that was asked for.</summary>
/// <param name="Name">The tag or digest.</param>
/// <param name="Digest">What it resolved to; none if it did not.</param>
/// <param name="Findings">At most <see cref="ClosureWalk.MaxFindingsOfRoot"/>.</param>
/// <param name="LeftOut">Findings beyond those.</param>
/// <param name="Notes">What is worth knowing and nothing wrong: a subject that isn't there, a tag that moved meanwhile.</param>
public sealed record RootReport(
    RepositoryName Repository, string Name, Digest Digest, IReadOnlyList<Finding> Findings, int LeftOut, IReadOnlyList<string> Notes, TimeSpan Elapsed)
{
    public bool IsWhole => Findings.Count == 0;
}

/// <summary>What became of the roots of one repository.</summary>
public sealed record RepositoryReport(RepositoryName Repository, IReadOnlyList<RootReport> Roots)
{
    public int FindingCount => Roots.Sum(static root => root.Findings.Count + root.LeftOut);
}
