using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Retention;

/// <summary>The incidents of a run: opened for what a guard held back, ended where the run had no reason to.</summary>
internal sealed class RetentionFindings(IncidentBook incidents, string run, HashSet<string> open)
{
    /// <summary>Looks up what is open, so that a run over many repositories writes only where something changes.</summary>
    public static async Task<RetentionFindings> BeginAsync(MetadataDatabase metadata, IncidentBook incidents, string run, CancellationToken cancellationToken)
    {
        var open = await metadata.ReadAsync(
            0,
            static (db, _) => Storage.Metadata.Incidents.ListOpen(db, int.MaxValue)
                .Where(incident => incident.Kind == IncidentKind.RetentionGuard).Select(incident => incident.Subject).ToHashSet(StringComparer.Ordinal),
            cancellationToken);
        return new RetentionFindings(incidents, run, open);
    }

    /// <param name="finding">Null: there is none by now.</param>
    public async Task NoteAsync(string subject, string? finding)
    {
        if (finding is not null)
            await incidents.OpenAsync(IncidentKind.RetentionGuard, subject, finding);
        else if (open.Contains(subject))
            await incidents.HealAsync(IncidentKind.RetentionGuard, subject, $"retention run {run}");
    }

    public Task NoteAsync(RepositoryResult result) => NoteAsync(
        $"{result.Registry}/{result.Repository}",
        (result.Stopped, result.Finding) switch
        {
            (null, null) => null,
            ({ } stopped, { } finding) => $"{result.Rule} {stopped}; it {finding}",
            var (stopped, finding) => $"{result.Rule} {stopped ?? finding}",
        });
}
