using System.Globalization;
using System.Text;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Scan;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary>What <c>holdfast scan</c> says to people.</summary>
internal static class ScanText
{
    // More tags than this on one line are counted instead.
    private const int MaxTags = 8;
    private const int MaxParts = 12;

    public static async Task WriteAsync(ScanReport report, bool withHistory, TextWriter output)
    {
        var text = new StringBuilder();
        foreach (var registry in report.Registries)
        {
            WriteRegistry(text, registry, withHistory);
            await output.WriteAsync(text);
            text.Clear();
        }
        foreach (var problem in report.PassedOver)
            text.AppendLine(CultureInfo.InvariantCulture, $"passed over: {problem.Path}: {problem.Detail}");
        var kinds = report.Registries.SelectMany(static registry => registry.Findings).Select(static finding => finding.Kind).Distinct().Order().ToList();
        foreach (var kind in kinds)
            text.AppendLine(CultureInfo.InvariantCulture, $"{ScanWords.Of(kind)}: {ScanWords.Meaning(kind)}.\n  mend: {ScanWords.Remedy(kind)}");
        if (kinds.Exists(static kind => kind is DamageKind.Unlinked or DamageKind.Shell or DamageKind.Gone))
            text.AppendLine(RepairText.Upgrade);
        var findings = report.Registries.Sum(static registry => registry.Findings.Count);
        var tags = report.Registries.Sum(static registry => registry.Counts.BrokenTags);
        var references = report.Registries.Sum(static registry => registry.Counts.BrokenReferences);
        text.AppendLine(findings == 0
            ? $"nothing is damaged{(report.Fast ? " as far as sizes tell: --fast reads no blob" : "")}"
            : $"{Counted.Of(findings, "finding")}: {Counted.Of(tags, "tag")} can't be pulled whole ({Counted.Of(references, "broken reference")})");
        await output.WriteAsync(text);
    }

    private static void WriteRegistry(StringBuilder text, RegistryReport registry, bool withHistory)
    {
        var counts = registry.Counts;
        text.AppendLine(CultureInfo.InvariantCulture, $"{registry.Folder.DataFolder}: {(registry.Folder.IsCache ? "a cache" : "hosted")}, {Counted.Of(counts.Repositories, "repository", "repositories")}, "
            + $"{Counted.Of(counts.Tags, "tag")}, {Counted.Of(counts.Manifests, "manifest")}, {Counted.Of(counts.Blobs, "blob")}, {ProgressDisplay.Bytes(counts.BlobBytes)}");
        foreach (var finding in registry.Findings)
            Write(text, finding);
        foreach (var note in registry.Notes)
            text.AppendLine(CultureInfo.InvariantCulture, $"  note  {note.Path}: {note.Detail}");
        foreach (var line in NotesOf(registry))
            text.AppendLine(CultureInfo.InvariantCulture, $"  note  {line}");
        foreach (var (repository, upload) in registry.Uploads)
            text.AppendLine(CultureInfo.InvariantCulture, $"  upload  {repository} {upload.Id}, begun {Time(upload.StartedAt)}, {ProgressDisplay.Bytes(upload.SizeBytes)}");
        if (!withHistory)
            return;
        foreach (var old in registry.History)
            text.AppendLine(CultureInfo.InvariantCulture, $"  before  {old.Repository}:{old.Tag} was {old.Digest}{(old.PushedAt is { } at ? $", pushed {Time(at)}" : "")}: bytes {ScanWords.Of(old.State)}{(old.IsLinked ? "" : ", no link")}");
    }

    private static void Write(StringBuilder text, ScanFinding finding)
    {
        var what = finding switch
        {
            { Kind: DamageKind.Tag } => $"{finding.Repository}:{finding.Tags[0]}",
            { Repository.IsNone: false, Digest.IsNone: false } => $"{finding.Repository}@{finding.Digest}",
            { Digest.IsNone: false } => finding.Digest.ToString(),
            _ => finding.Path ?? "",
        };
        text.Append(CultureInfo.InvariantCulture, $"  {ScanWords.Of(finding.Kind)}  {what}");
        if (finding.Name.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" ({finding.Name})");
        if (finding.Kind != DamageKind.Tag && finding.Tags.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $" in {string.Join(", ", finding.Tags.Take(MaxTags))}{(finding.Tags.Count > MaxTags ? $" and {finding.Tags.Count - MaxTags} more tags" : "")}");
        else if (finding.Kind is DamageKind.Shell or DamageKind.Gone or DamageKind.Unlinked)
            text.Append(finding.Parents.Count > 0 ? " in an index without a tag" : ", which has no tag");
        text.AppendLine();
        if (finding.Link != LinkState.Present && finding.Kind is DamageKind.Shell or DamageKind.Gone or DamageKind.Unlinked)
            text.AppendLine(CultureInfo.InvariantCulture, $"          link: {ScanWords.Explain(finding.Link)}");
        WriteParts(text, finding);
        if (finding.Detail is { } detail)
            text.AppendLine(CultureInfo.InvariantCulture, $"          {detail}");
        if (finding.Path is { } path && what != path)
            text.AppendLine(CultureInfo.InvariantCulture, $"          file: {path}");
        if (finding.Donors.Count > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"          seen in: {string.Join(", ", finding.Donors)}");
    }

    private static void WriteParts(StringBuilder text, ScanFinding finding)
    {
        foreach (var part in finding.Missing.Take(MaxParts))
            text.AppendLine(CultureInfo.InvariantCulture, $"          {ScanWords.Of(part.Role)} {part.Content.Digest}{(part.Content.SizeBytes > 0 ? $", {ProgressDisplay.Bytes(part.Content.SizeBytes)}" : "")}: {ScanWords.Of(part.Why)}");
        if (finding.Missing.Count > MaxParts)
            text.AppendLine(CultureInfo.InvariantCulture, $"          and {finding.Missing.Count - MaxParts} more");
        if (finding.Kind == DamageKind.BadLink)
            return;
        var layers = finding.Links.Count(static link => link.Kind == LinkKind.Layer && link.Was != LinkState.Unreadable);
        if (layers > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"          {Counted.Of(layers, "link")} to config or layers missing in the repository");
        var unread = finding.Links.Count(static link => link.Was == LinkState.Unreadable);
        if (unread > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"          {Counted.Of(unread, "link")} that could not be read");
    }

    private static IEnumerable<string> NotesOf(RegistryReport registry)
    {
        var counts = registry.Counts;
        if (counts.PartialIndexes > 0)
            yield return $"{Counted.Of(counts.PartialIndexes, "index", "indexes")} with {Counted.Of(counts.AbsentChildren, "child", "children")} not fetched: normal in a cache";
        if (counts.Untagged > 0)
            yield return $"{Counted.Of(counts.Untagged, "manifest")} without a tag; garbage-collect -m would take them";
        if (counts.HistoricTags > 0)
            yield return $"{Counted.Of(counts.HistoricTags, "earlier target")} of tags (--history lists them)";
        if (counts.IdleLayerLinks > 0)
            yield return $"{Counted.Of(counts.IdleLayerLinks, "layer link")} without data{(registry.Folder.IsCache ? ": normal in a cache" : " that no manifest needs; they do no harm once the registry was restarted")}";
        if (counts.DeletedLinks > 0)
            yield return $"{Counted.Of(counts.DeletedLinks, "empty folder")} of links that were deleted through the API";
        if (counts.IdleBlobs > 0)
            yield return $"{Counted.Of(counts.IdleBlobs, "blob")} that no manifest needs, {ProgressDisplay.Bytes(counts.IdleBlobBytes)}; garbage-collect would free them";
        if (counts.Uploads > 0)
            yield return $"{Counted.Of(counts.Uploads, "upload")} left over, {ProgressDisplay.Bytes(counts.UploadBytes)}; the registry purges them when it is told to (uploadpurging)";
        if (counts.MissingSubjects > 0)
            yield return $"{Counted.Of(counts.MissingSubjects, "manifest")} whose subject is not there, which is allowed";
        if (counts.Changed > 0)
            yield return $"{Counted.Of(counts.Changed, "object")} changed while this was read: whole, or no longer named by anything, at a second look";
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
