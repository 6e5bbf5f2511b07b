using System.Collections.Concurrent;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>
/// Findings about stored bytes, on their way into the incident book. What is asked for again and again is not written down again and again:
/// a finding that was reported lately is remembered, within a bound (P10).
/// </summary>
internal sealed class Findings
{
    // An incident that is still true is noted as seen about this often.
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    // About 10 MB at most; beyond it all are forgotten, and reported once more.
    private const int MaxRemembered = 50_000;

    private readonly ConcurrentDictionary<(IncidentKind Kind, string Subject), long> _reported = new();

    private readonly StoreWatch _watch;
    private readonly TimeProvider _time;

    public Findings(IncidentBook incidents, StoreWatch watch, TimeProvider time)
    {
        (Incidents, _watch, _time) = (incidents, watch, time);
        // Found wrong once more, it is reported at once, whoever had healed it: a push, a donor, a check.
        incidents.Ended += Forget;
    }

    public IncidentBook Incidents { get; }

    public bool WasReportedLately(IncidentKind kind, string subject) =>
        _reported.TryGetValue((kind, subject), out var at) && _time.GetElapsedTime(at) < Memory;

    public Task ReportAsync(IncidentKind kind, string subject, string detail)
    {
        if (WasReportedLately(kind, subject))
            return Task.CompletedTask;
        if (_reported.Count >= MaxRemembered)
            _reported.Clear();
        _reported[(kind, subject)] = _time.GetTimestamp();
        return Incidents.OpenAsync(kind, subject, detail);
    }

    /// <summary>P6: nothing is known about it, so nothing may be concluded. That the store is away is one incident, not one for each blob.</summary>
    public Task ReportUnreadableAsync(Digest digest, IOException cause)
    {
        if (cause is StoreAwayException)
        {
            _watch.IsAway();
            return Task.CompletedTask;
        }
        return ReportAsync(
            IncidentKind.StoreUnreadable, digest.ToString(),
            $"it could not be read ({cause.Message}); whether it is there and right is not known, and it is kept. See to the disk or the file's permissions");
    }

    public void Note(IReadOnlyList<Incident> healed) => Incidents.Note(healed);

    private void Forget(string subject)
    {
        foreach (var kind in IncidentKinds.List)
            _reported.TryRemove((kind, subject), out _);
    }
}
