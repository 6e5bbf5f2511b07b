using System.Globalization;
using System.Text;
using Holdfast.Doctor.Import;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary>What <c>holdfast import</c> says.</summary>
internal static class ImportText
{
    public static string Words(string target, ImportOrder order, ImportReport report)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{(order.IsDry ? "would take" : "took")} {Amounts(report)} into {target}");
        if (report.Copies + report.HardLinks + report.Reflinks + report.Shared > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"blobs: {Blobs(report, order.IsDry)}");
        if (report.WhyCopied is { } why)
            text.AppendLine(CultureInfo.InvariantCulture, $"copied instead of linked: {why}");
        if (report.AlreadyThere > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"already there: {Counted.Of(report.AlreadyThere, "image")}");
        if (report.HardLinks > 0)
            text.AppendLine("hard links are the old registry's own files: their mode and owner are left as they are, and nothing but holdfast should write to them");
        if (order.IsTrusted && report.HardLinks + report.Reflinks > 0)
            text.AppendLine("not hashed yet (--trust): the scrub reads these first; `holdfast scrub run` does it now");
        foreach (var unread in report.Unread)
            text.AppendLine(CultureInfo.InvariantCulture, $"not read: {unread}");
        if (report.FindingCount == 0)
            return text.ToString();
        text.AppendLine(CultureInfo.InvariantCulture, $"not as in the source: {report.FindingCount}");
        foreach (var finding in report.Findings)
            text.Append("  ").AppendLine(Line(finding));
        if (report.FindingCount > report.Findings.Count)
            text.AppendLine(CultureInfo.InvariantCulture, $"  and {report.FindingCount - report.Findings.Count} more");
        if (report.Findings.Any(static finding => finding.Kind == ImportFindingKind.NotWhole))
            text.AppendLine("what is not whole: `holdfast scan` tells more of a registry:2's folder, and `holdfast repair` mends what a donor still has; then run this again");
        return text.ToString();
    }

    /// <summary>One look of many.</summary>
    public static string Round(string target, ImportReport report) => $"took {Amounts(report)} into {target}; blobs: {Blobs(report, isDry: false)}";

    public static string Line(ImportFinding finding) => $"{Place(finding)}: {Kind(finding.Kind)}: {string.Join("; ", finding.Reasons)}";

    public static object Json(string source, string target, ImportOrder order, ImportReport report) => new
    {
        Source = source,
        Target = target,
        DryRun = order.IsDry,
        Complete = report.IsComplete,
        report.Repositories,
        report.Tags,
        report.Manifests,
        report.AlreadyThere,
        Blobs = new { report.HardLinks, report.Reflinks, report.Copies, report.Shared, report.Bytes },
        Trusted = order.IsTrusted && report.HardLinks + report.Reflinks > 0,
        report.WhyCopied,
        report.Unread,
        report.FindingCount,
        Findings = report.Findings.Select(finding => new
        {
            finding.Kind,
            Repository = finding.Repository.IsNone ? null : finding.Repository.ToString(),
            Tag = finding.Tag.IsNone ? null : finding.Tag.ToString(),
            Digest = finding.Digest.IsNone ? null : finding.Digest.ToString(),
            finding.Reasons,
        }).ToList(),
    };

    private static string Amounts(ImportReport report) =>
        $"{Counted.Of(report.Tags, "tag")} and {Counted.Of(report.Manifests, "manifest")} of {Counted.Of(report.Repositories, "repository", "repositories")}";

    private static string Blobs(ImportReport report, bool isDry)
    {
        var parts = new List<string>();
        Add(report.HardLinks, "by hard link");
        Add(report.Reflinks, "by reflink");
        Add(report.Copies, isDry ? "to bring in" : "copied");
        Add(report.Shared, "here already");
        return $"{(parts.Count == 0 ? "none" : string.Join(", ", parts))} ({ProgressDisplay.Bytes(report.Bytes)})";

        void Add(long count, string how)
        {
            if (count > 0)
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {how}"));
        }
    }

    private static string Place(ImportFinding finding)
    {
        var name = finding.Repository.IsNone ? "(no repository)" : finding.Repository.ToString();
        return !finding.Tag.IsNone ? $"{name}:{finding.Tag}" : finding.Digest.IsNone ? name : $"{name}@{finding.Digest}";
    }

#pragma warning disable CS8524 // A forgotten named member doesn't compile; a default arm would hide it.
    private static string Kind(ImportFindingKind kind) => kind switch
    {
        ImportFindingKind.NotWhole => "not taken, not whole",
        ImportFindingKind.Unreadable => "not taken, not known to be whole",
        ImportFindingKind.TagKept => "taken, but the tag stays",
        ImportFindingKind.Nameless => "not taken",
    };
#pragma warning restore CS8524
}
