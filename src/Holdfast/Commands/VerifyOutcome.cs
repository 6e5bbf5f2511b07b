using Holdfast.Client;
using Holdfast.Client.Walk;

namespace Holdfast.Commands;

/// <summary>What became of one argument of verify.</summary>
/// <param name="Fault">Why it could not be walked; null if it was.</param>
internal sealed record VerifiedTarget(RegistryTarget Target, Uri? Address, string? Fault);

/// <summary>What became of the tags of one repository.</summary>
internal sealed record VerifiedRepository(string Host, RepositoryReport Report);

/// <summary>What verify found, all of it.</summary>
internal sealed record VerifyOutcome(
    bool Fast, IReadOnlyList<VerifiedTarget> Targets, IReadOnlyList<VerifiedRepository> Repositories, VerifyFigures Figures, TimeSpan Elapsed)
{
    public IEnumerable<(string Host, RootReport Root)> Roots => Repositories.SelectMany(static one => one.Report.Roots.Select(root => (one.Host, root)));

    public IEnumerable<(string Host, RootReport Root)> Broken => Roots.Where(static one => !one.Root.IsWhole);

    /// <summary>Was anything read or asked for with an answer?</summary>
    public bool HasChecked => Figures.Indexes + Figures.Manifests > 0 || Broken.Any(static one => one.Root.Findings.Any(static finding => finding.Problem.Kind != FindingKind.Unchecked));

    public int ExitCode => !HasChecked ? RootCommands.Failed
        : Broken.Any() || Targets.Any(static target => target.Fault is not null) ? RootCommands.Findings
        : RootCommands.Fine;
}

/// <summary>How much was looked at.</summary>
internal sealed record VerifyFigures(long Roots, long Indexes, long Manifests, long Blobs, long BytesRead, long Heads, long Findings)
{
    public static VerifyFigures Of(IReadOnlyCollection<WalkCounts> counts) => new(
        counts.Sum(static one => one.Roots), counts.Sum(static one => one.Indexes), counts.Sum(static one => one.Manifests), counts.Sum(static one => one.Blobs),
        counts.Sum(static one => one.BytesRead), counts.Sum(static one => one.Heads), counts.Sum(static one => one.Findings));
}
