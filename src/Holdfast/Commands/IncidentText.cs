using System.Globalization;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server.Incidents;

namespace Holdfast.Commands;

/// <summary>Incidents in words.</summary>
internal static class IncidentText
{
    public static void Write(StringBuilder text, IncidentPage page)
    {
        if (page.Incidents.Count == 0)
            text.AppendLine("nothing is open");
        foreach (var incident in page.Incidents)
            WriteShort(text, incident);
        if (page.Open > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"{page.Open} open, {page.Acknowledged} of them acknowledged; `holdfast incidents show ID` tells which tags one hits");
    }

    public static void Write(StringBuilder text, IncidentReport report)
    {
        WriteShort(text, report.Incident);
        var incident = report.Incident;
        text.AppendLine(CultureInfo.InvariantCulture, $"   seen {Counted.Of(incident.Seen, "time")}, last changed {Time(incident.UpdatedAt)}");
        if (incident.AcknowledgedAt is { } known)
            text.AppendLine(CultureInfo.InvariantCulture, $"   acknowledged {Time(known)} by {incident.AcknowledgedBy}");
        if (report.Impact is not { } impact)
            return;
        text.AppendLine(CultureInfo.InvariantCulture, $"   {(incident.HealedAt is null ? "hits" : "hit")} {Counted.Of(impact.TagCount, "tag")} ({Counted.Of(impact.Manifests, "manifest")}){(impact.TagCount > impact.Tags.Count ? $"; the first {impact.Tags.Count}:" : impact.Tags.Count > 0 ? ":" : "")}");
        WriteTags(text, impact.Tags);
        if (impact.TrashedTagCount == 0)
            return;
        text.AppendLine(CultureInfo.InvariantCulture, $"   and {impact.TrashedTagCount} in the trash{(impact.TrashedTagCount > impact.TrashedTags.Count ? $"; the first {impact.TrashedTags.Count}" : "")}:");
        WriteTags(text, impact.TrashedTags);
    }

    /// <summary>One line of a watch.</summary>
    public static string Line(IncidentAnswer incident) =>
        $"{Time(incident.UpdatedAt)}  {incident.Id}  {incident.State}  {incident.Kind}  {incident.Subject}  {End(incident) ?? incident.LastTry ?? incident.Detail}";

    private static void WriteShort(StringBuilder text, IncidentAnswer incident)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"{incident.Id}  {incident.State}  {incident.Kind}  {incident.Subject}  since {Time(incident.OpenedAt)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"   {(incident.HealedAt is null ? "" : "it was: ")}{incident.Detail}");
        if (End(incident) is { } end)
            text.AppendLine(CultureInfo.InvariantCulture, $"   {end}");
        if (incident.LastTry is { } tried && incident.HealedAt is null)
            text.AppendLine(CultureInfo.InvariantCulture, $"   tried {Counted.Of(incident.Tries, "time")}: {tried}{(incident.NextTryAt is { } next ? $"; again {Time(next)}" : "")}");
        if (incident.Advice is { } advice)
            text.AppendLine(CultureInfo.InvariantCulture, $"   do: {advice}");
    }

    private static void WriteTags(StringBuilder text, IReadOnlyList<HitTag> tags)
    {
        foreach (var tag in tags)
            text.AppendLine(CultureInfo.InvariantCulture, $"     {tag.Registry}  {tag.Repository}:{tag.Tag}  {tag.Digest}");
    }

    private static string? End(IncidentAnswer incident) => incident.HealedAt is { } healed
        ? string.Create(CultureInfo.InvariantCulture, $"healed {Time(healed)} by {incident.HealedBy}, after {incident.HealSeconds:0.#} s")
        : null;

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
