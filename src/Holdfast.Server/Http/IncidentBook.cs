using System.Diagnostics.Metrics;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>Where every finding goes: into the table, the log and the metrics (P8). Writing it down never fails what found it.</summary>
internal sealed partial class IncidentBook(MetadataDatabase metadata, TimeProvider time, ILogger<IncidentBook> log)
{
    private static readonly Meter Meter = new("Holdfast.Incidents");
    private static readonly Counter<long> Opened = Meter.CreateCounter<long>("holdfast_incidents_opened_total", "{incident}", "Incidents opened, by kind.");
    private static readonly Counter<long> Healed = Meter.CreateCounter<long>("holdfast_incidents_healed_total", "{incident}", "Incidents healed, by kind.");

    /// <summary>Called with the object of each incident that ends, whatever ended it.</summary>
    public event Action<string>? Ended;

    /// <param name="subject">What it is about: a digest where it has one.</param>
    /// <param name="detail">What was found and where, for people.</param>
    public async Task OpenAsync(IncidentKind kind, string subject, string detail)
    {
        try
        {
            var (incident, isNew) = await metadata.WriteAsync(
                (kind, subject, detail, now: Now()),
                static (db, s) => Storage.Metadata.Incidents.Open(db, s.kind, s.subject, s.detail, s.now),
                CancellationToken.None);
            if (!isNew)
                return;
            Opened.Add(1, new KeyValuePair<string, object?>("kind", kind.Name()));
            LogOpened(log, incident.Id, kind.Name(), subject, detail);
        }
        catch (Exception e)
        {
            LogNotWritten(log, e, kind.Name(), subject, detail);
        }
    }

    /// <summary>Ends the open incident of a kind about an object, if there is one.</summary>
    public async Task HealAsync(IncidentKind kind, string subject, string by)
    {
        try
        {
            Note(await metadata.WriteAsync(
                (kind, subject, by, now: Now()),
                static (db, s) => Storage.Metadata.Incidents.Heal(db, s.kind, s.subject, s.by, s.now),
                CancellationToken.None));
        }
        catch (Exception e)
        {
            LogNotWritten(log, e, kind.Name(), subject, "healed by " + by);
        }
    }

    /// <summary>Counts and logs incidents that a transaction has ended.</summary>
    public void Note(IReadOnlyList<Incident> healed)
    {
        foreach (var incident in healed)
        {
            Healed.Add(1, new KeyValuePair<string, object?>("kind", incident.Kind.Name()));
            var tookMs = incident.HealedAtMs!.Value - incident.OpenedAtMs;
            Ended?.Invoke(incident.Subject);
            LogHealed(log, incident.Id, incident.Kind.Name(), incident.Subject, incident.HealedBy ?? "", tookMs / 1000.0);
        }
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(500, LogLevel.Error, "incident {Id} opened: {Kind} {Subject}: {Detail}")]
    private static partial void LogOpened(ILogger log, long id, string kind, string subject, string detail);

    [LoggerMessage(501, LogLevel.Information, "incident {Id} healed: {Kind} {Subject}, by {By}, after {Seconds:0.0} s")]
    private static partial void LogHealed(ILogger log, long id, string kind, string subject, string by, double seconds);

    [LoggerMessage(502, LogLevel.Error, "an incident could not be written down: {Kind} {Subject}: {Detail}")]
    private static partial void LogNotWritten(ILogger log, Exception cause, string kind, string subject, string detail);
}
