using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>
/// Where every finding goes: into the table, the log and the metrics (P8). Writing it down never fails what found it: what can't be written, because
/// the disk is full, is kept in memory and written later.
/// </summary>
internal sealed partial class IncidentBook(MetadataDatabase metadata, TimeProvider time, ILogger<IncidentBook> log)
{
    // Findings that could not be written, a few hundred bytes each; beyond it whoever finds them again reports them again (P10).
    private const int MaxUnwritten = 10_000;

    // States that are well are kept up to here, to know that nothing changed; those that are not are all kept, as each is a row of the table.
    private const int MaxWell = 1_000;

    private static readonly Meter Meter = new("Holdfast.Incidents");
    private static readonly Counter<long> Opened = Meter.CreateCounter<long>("holdfast_incidents_opened_total", "{incident}", "Incidents opened, by kind.");
    private static readonly Counter<long> Healed = Meter.CreateCounter<long>("holdfast_incidents_healed_total", "{incident}", "Incidents healed, by kind.");

    private static readonly Counter<long> Unkept = Meter.CreateCounter<long>(
        "holdfast_incidents_unkept_total", "{incident}", "Findings that could neither be written nor kept in memory, and wait to be found again, by kind.");

    private static readonly Histogram<double> HealDuration = Meter.CreateHistogram<double>(
        "holdfast_incident_heal_duration_seconds", "s", "From the first sight of an incident to its end, by kind.");

    private readonly ConcurrentDictionary<(IncidentKind Kind, string Subject), Unwritten> _unwritten = new();
    private readonly ConcurrentDictionary<(IncidentKind Kind, string Subject), Condition> _conditions = new();
    private readonly OpenCounts _open = new();

    /// <summary>How many are open; from memory.</summary>
    public OpenCounts Open => _open;

    /// <summary>What is open and could not be written down so far; its id is 0.</summary>
    public IEnumerable<Incident> NotWritten => _unwritten.Where(entry => !entry.Value.IsHealed)
        .Select(entry => new Incident(0, entry.Key.Kind, entry.Key.Subject, entry.Value.Text, entry.Value.AtMs, entry.Value.AtMs, 1));

    /// <summary>Is told the subject of each incident that ends, and of each finding that must be reported again to be known.</summary>
    public Action<string> Ended { get; set; } = static _ => { };

    /// <summary>The states that were reported in this process, true or not.</summary>
    public bool IsWatched(IncidentKind kind, string subject) => _conditions.ContainsKey((kind, subject));

    /// <param name="subject">What it is about: a digest where it has one.</param>
    /// <param name="detail">What was found and where, for people.</param>
    public Task OpenAsync(IncidentKind kind, string subject, string detail) => WriteAsync(kind, subject, new Unwritten(detail, IsHealed: false, Now()));

    /// <summary>Ends the open incident of a kind about an object, if there is one.</summary>
    public Task HealAsync(IncidentKind kind, string subject, string by) => WriteAsync(kind, subject, new Unwritten(by, IsHealed: true, Now()));

    /// <summary>
    /// Says whether something is wrong, as often as one likes: only a change is written down. Returns at once, and drops nothing:
    /// of a subject that is reported faster than it is written, the last report is what is written.
    /// </summary>
    /// <param name="problem">For people; null: all is well.</param>
    public void Report(IncidentKind kind, string subject, string? problem)
    {
        while (true)
        {
            var condition = _conditions.GetOrAdd((kind, subject), static _ => new Condition());
            lock (condition)
            {
                if (condition.IsForgotten)
                    continue;
                if (condition.IsKnown && string.Equals(condition.Problem, problem, StringComparison.Ordinal))
                    return;
                (condition.IsKnown, condition.Problem) = (true, problem);
                if (!condition.IsWriting)
                    _ = WriteConditionAsync(kind, subject, condition);
                condition.IsWriting = true;
                return;
            }
        }
    }

    /// <summary>Counts and logs incidents that a transaction has ended.</summary>
    public void Note(IReadOnlyList<Incident> healed)
    {
        foreach (var incident in healed)
        {
            var kind = new KeyValuePair<string, object?>("kind", incident.Kind.Name());
            var took = TimeSpan.FromMilliseconds(Math.Max(0, incident.HealedAtMs!.Value - incident.OpenedAtMs));
            Healed.Add(1, kind);
            HealDuration.Record(took.TotalSeconds, kind);
            _open.Closed(incident.Kind, incident.AcknowledgedAtMs is not null);
            Ended(incident.Subject);
            LogHealed(log, incident.Id, incident.Kind.Name(), incident.Subject, incident.HealedBy ?? "", took.TotalSeconds);
        }
    }

    /// <returns>The incident as it is now; null if there is none of that id.</returns>
    public async Task<Incident?> AcknowledgeAsync(long id, string by, CancellationToken cancellationToken)
    {
        var (incident, counts) = await metadata.WriteAsync(
            (id, by, now: Now()),
            static (db, s) => (Storage.Metadata.Incidents.Acknowledge(db, s.id, s.by, s.now), Storage.Metadata.Incidents.CountOpen(db)),
            cancellationToken);
        _open.Set(counts, Waiting());
        return incident;
    }

    /// <summary>Writes what could not be written before, and takes the counts from the table: once at start, then every now and then.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        foreach (var (key, change) in _unwritten)
        {
            // Of a state, only its one writer writes: its end would else be written before its beginning, and never again.
            if (!_conditions.TryGetValue(key, out var condition))
                await WriteAsync(key.Kind, key.Subject, change);
            else if (TryBeginWriting(condition))
                await WriteConditionAsync(key.Kind, key.Subject, condition);
        }
        var counts = await metadata.ReadAsync(0, static (db, _) => Storage.Metadata.Incidents.CountOpen(db), cancellationToken);
        _open.Set(counts, Waiting());
    }

    private static bool TryBeginWriting(Condition condition)
    {
        lock (condition)
            return !condition.IsWriting && !condition.IsForgotten && (condition.IsWriting = true);
    }

    // One writer for each state, which writes what the state is by then: what came and went while it wrote is not worth a row.
    private async Task WriteConditionAsync(IncidentKind kind, string subject, Condition condition)
    {
        await Task.Yield(); // Whoever reports may hold a lock of its own.
        while (true)
        {
            string? problem;
            lock (condition)
                problem = condition.Problem;
            var waits = _unwritten.TryGetValue((kind, subject), out var known) && known.IsHealed == (problem is null);
            var isKept = await WriteAsync(kind, subject, new Unwritten(problem ?? "check", IsHealed: problem is null, waits ? known!.AtMs : Now()));
            lock (condition)
            {
                var isLatest = string.Equals(condition.Problem, problem, StringComparison.Ordinal);
                if (isLatest && !isKept)
                    condition.IsKnown = false; // The next report is written.
                if (!isLatest)
                    continue;
                condition.IsWriting = false;
                if (problem is null && _conditions.Count > MaxWell)
                {
                    condition.IsForgotten = true;
                    _conditions.TryRemove((kind, subject), out _);
                }
                return;
            }
        }
    }

    /// <returns>False if it is neither written nor kept to be written.</returns>
    private async Task<bool> WriteAsync(IncidentKind kind, string subject, Unwritten change)
    {
        try
        {
            if (change.IsHealed)
            {
                Note(await metadata.WriteAsync(
                    (kind, subject, change),
                    static (db, s) => Storage.Metadata.Incidents.Heal(db, s.kind, s.subject, s.change.Text, s.change.AtMs),
                    CancellationToken.None));
            }
            else
            {
                var (incident, isNew) = await metadata.WriteAsync(
                    (kind, subject, change),
                    static (db, s) => Storage.Metadata.Incidents.Open(db, s.kind, s.subject, s.change.Text, s.change.AtMs),
                    CancellationToken.None);
                if (isNew)
                    NoteOpened(kind, subject, change, incident.Id);
            }
            Forget((kind, subject), change);
            return true;
        }
        catch (Exception e)
        {
            return Keep(kind, subject, change, e);
        }
    }

    private void NoteOpened(IncidentKind kind, string subject, Unwritten change, long id)
    {
        _open.Opened(kind);
        Opened.Add(1, new KeyValuePair<string, object?>("kind", kind.Name()));
        LogOpened(log, id, kind.Name(), subject, change.Text);
    }

    // The last that is known of a subject is what will be written.
    private bool Keep(IncidentKind kind, string subject, Unwritten change, Exception cause)
    {
        var isKnown = _unwritten.TryGetValue((kind, subject), out var known);
        var isKept = isKnown || _unwritten.Count < MaxUnwritten;
        if (isKept)
        {
            _unwritten[(kind, subject)] = isKnown && known!.IsHealed == change.IsHealed ? known with { Text = change.Text } : change;
            _open.Waits(kind, (change.IsHealed ? 0 : 1) - (isKnown && !known!.IsHealed ? 1 : 0));
        }
        else
        {
            Unkept.Add(1, new KeyValuePair<string, object?>("kind", kind.Name()));
            LogNotKept(log, cause, kind.Name(), subject, change.Text);
            Ended(subject);
        }
        if (isKept && (!isKnown || known!.IsHealed != change.IsHealed))
            LogNotWritten(log, cause, kind.Name(), subject, change.Text);
        return isKept;
    }

    private void Forget((IncidentKind Kind, string Subject) key, Unwritten written)
    {
        // Something newer than what was written stays to be written.
        if (_unwritten.TryGetValue(key, out var known) && known.AtMs <= written.AtMs && _unwritten.TryRemove(KeyValuePair.Create(key, known)))
            _open.Waits(key.Kind, known.IsHealed ? 0 : -1);
    }

    private List<IncidentKind> Waiting() => [.. _unwritten.Where(entry => !entry.Value.IsHealed).Select(entry => entry.Key.Kind)];

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(500, LogLevel.Error, "incident {Id} opened: {Kind} {Subject}: {Detail}")]
    private static partial void LogOpened(ILogger log, long id, string kind, string subject, string detail);

    [LoggerMessage(501, LogLevel.Information, "incident {Id} healed: {Kind} {Subject}, by {By}, after {Seconds:0.0} s")]
    private static partial void LogHealed(ILogger log, long id, string kind, string subject, string by, double seconds);

    [LoggerMessage(502, LogLevel.Error, "an incident can't be written down yet, and is kept in memory: {Kind} {Subject}: {Detail}")]
    private static partial void LogNotWritten(ILogger log, Exception cause, string kind, string subject, string detail);

    [LoggerMessage(503, LogLevel.Error, "an incident can't be written down, and too many wait to be; it is reported again when it is found again: {Kind} {Subject}: {Detail}")]
    private static partial void LogNotKept(ILogger log, Exception cause, string kind, string subject, string detail);

    /// <param name="Text">The detail of a finding; what healed it.</param>
    private sealed record Unwritten(string Text, bool IsHealed, long AtMs);

    private sealed class Condition
    {
        public bool IsKnown { get; set; }

        public string? Problem { get; set; }

        public bool IsWriting { get; set; }

        /// <summary>No longer among those that are kept; whoever holds it gets another.</summary>
        public bool IsForgotten { get; set; }
    }
}
