using System.Globalization;
using System.Text;
using Holdfast.Doctor.Repair;
using Holdfast.Doctor.Scan;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary>What was found in one registry, and what came of it.</summary>
internal sealed record RepairOutcome(RegistryReport Scan, RepairReport Repair)
{
    /// <summary>Findings that are not mended: what nobody has, and what no repair mends (tags that lead nowhere, what can't be read).</summary>
    public IReadOnlyList<ScanFinding> Left =>
    [
        .. Scan.Findings.Where(finding => finding.Kind switch
        {
            DamageKind.Unlinked or DamageKind.Shell or DamageKind.Gone => !Repair.Mended.Contains((finding.Repository, finding.Digest)),
            DamageKind.Data => !Repair.Steps.Exists(step => step.Digest == finding.Digest && step.Kind == RepairKind.ReplacedData),
            DamageKind.BadLink => !Repair.Steps.Exists(step => step.Digest == finding.Digest && step.Repository == finding.Repository && step.Kind == RepairKind.LayerLink),
            _ => true,
        }),
    ];

    public bool IsWhole => Left.Count == 0;

    /// <summary>What distribution 3 would make worse: a repository lost children of an index that another one has whole.</summary>
    public IReadOnlyList<ScanFinding> Traps => [.. Left.Where(static finding => finding.Kind is DamageKind.Unlinked or DamageKind.Shell or DamageKind.Gone)];
}

/// <summary>What <c>holdfast repair</c> says to people.</summary>
internal static class RepairText
{
    public const string Upgrade =
        "don't upgrade this registry from 2.8 to 3 before this is mended: garbage-collect -m of version 3 stops marking at an index whose child is missing, and then "
        + "sweeps layers that other repositories still have whole";

    public static async Task WriteAsync(IReadOnlyList<RepairOutcome> outcomes, bool apply, IReadOnlyList<FolderUser> users, TextWriter output)
    {
        var text = new StringBuilder();
        foreach (var outcome in outcomes)
            Write(text, outcome, apply);
        var written = outcomes.Sum(static outcome => outcome.Repair.Steps.Count);
        if (written > 0 && apply)
            text.AppendLine("restart the registry: it remembers what it had, and answers 404 or claims blobs by that until then");
        if (users.Count > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"{Describe(users)}{(apply ? "" : "; --apply is refused while it runs, unless --while-running is given")}");
        if (!apply && written > 0)
            text.AppendLine("nothing was written; --apply does it");
        if (outcomes.Any(static outcome => outcome.Traps.Count > 0) || (!apply && outcomes.Any(static outcome => outcome.Scan.Findings.Count > 0)))
            text.AppendLine(Upgrade);
        await output.WriteAsync(text);
    }

    public static string Describe(IReadOnlyList<FolderUser> users) => string.Join("; ", users.Select(static user =>
        $"process {user.ProcessId} ({user.Command}) {(user.IsCertain ? "uses this folder" : "may use this folder")}: {user.How}"));

    public static string Of(RepairKind kind) => kind switch
    {
        RepairKind.Data => "data",
        RepairKind.ReplacedData => "replaced-data",
        RepairKind.RevisionLink => "revision-link",
        RepairKind.LayerLink => "layer-link",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static void Write(StringBuilder text, RepairOutcome outcome, bool apply)
    {
        var (scan, repair) = (outcome.Scan, outcome.Repair);
        text.AppendLine(CultureInfo.InvariantCulture, $"{scan.Folder.DataFolder}: {Counted.Of(scan.Findings.Count, "finding")}");
        foreach (var step in repair.Steps)
            text.AppendLine(CultureInfo.InvariantCulture, $"  {(apply ? "wrote" : "would write")} {Of(step.Kind)}  {(step.Source is null ? $"{step.Repository}@{step.Digest}" : $"{step.Digest}{(step.SizeBytes is { } size ? $", {ProgressDisplay.Bytes(size)}" : "")}, from {step.Source}")}");
        foreach (var problem in repair.DonorProblems)
            text.AppendLine(CultureInfo.InvariantCulture, $"  donor  {problem}");
        foreach (var lost in repair.Unmended)
            text.AppendLine(CultureInfo.InvariantCulture, $"  lost  {ScanWords.Of(lost.Role)} {lost.Digest}{(lost.Digest == lost.Manifest ? $" of {lost.Repository}" : $" of {lost.Repository}@{lost.Manifest}")}: {lost.Why}");
        foreach (var left in outcome.Left.Where(static finding => finding.Kind is DamageKind.Tag or DamageKind.Unreadable))
            text.AppendLine(CultureInfo.InvariantCulture, $"  left  {NameOf(left)}: {left.Detail ?? "of what it needs, something could not be read"}; {ScanWords.Remedy(left.Kind)}");
        var mended = scan.Findings.Count - outcome.Left.Count;
        text.AppendLine(CultureInfo.InvariantCulture, $"  {(apply ? "mended" : "would mend")} {mended} of {Counted.Of(scan.Findings.Count, "finding")}{(repair.JournalFolder is { } journal ? $"; what was written: {journal}" : "")}");
    }

    private static string NameOf(ScanFinding finding) => finding switch
    {
        { Kind: DamageKind.Tag } => $"{finding.Repository}:{finding.Tags[0]}",
        { Path: { } path } => path,
        { Repository.IsNone: false } => $"{finding.Repository}@{finding.Digest}",
        _ => finding.Digest.ToString(),
    };
}
