using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary><c>GET /api/v1/scrub</c>, <c>POST /api/v1/scrub/run</c></summary>
internal sealed class ScrubEndpoint(StoreScrub scrub, ServerOptions options)
{
    public async Task GetAsync(AdminRequest request)
    {
        var since = (scrub.Time.GetUtcNow() - scrub.Options.Period).ToUnixTimeMilliseconds();
        var (rows, figures, open) = await scrub.Stores.Metadata.ReadAsync(
            since,
            static (db, since) => (Checks.List(db).ToDictionary(row => row.Name, StringComparer.Ordinal), BlobChecks.Measure(db, since),
                Storage.Metadata.Incidents.ListOpen(db, int.MaxValue).Count(incident => IsOurs(incident.Kind))),
            request.Aborted);
        await request.AnswerAsync(new ScrubStatus(
            DescribeSweep(rows.GetValueOrDefault(Sweep.Name)), DescribeWalk(rows.GetValueOrDefault(HashWalk.Name), figures),
            Describe(rows.GetValueOrDefault(UnknownFiles.Name)), open));
    }

    public async Task RunAsync(AdminRequest request)
    {
        var asked = await request.ReadJsonAsync<ScrubAsked>();
        if (asked.Rate is <= 0)
            throw new AdminException(Outcome.AdminInvalid, "rate is bytes a second, and more than 0");
        if (asked.Fast)
        {
            if (asked.Rate is not null || asked.Repository is not null || asked.Registry is not null)
                throw new AdminException(Outcome.AdminInvalid, "fast looks at everything, and reads next to nothing; it goes with neither rate nor repository");
            await request.StreamAsync((stream, token) => new FastRun(scrub.Stores, scrub.Inspection, scrub.Time).RunAsync(stream.ReportAsync, token));
            return;
        }
        RepositoryKey? repository = asked.Repository is null && asked.Registry is null ? null : await FindAsync(asked, request.Aborted);
        var run = new ScrubRun(scrub.Stores, scrub.Inspection, scrub.Time);
        await request.StreamAsync((stream, token) => run.RunAsync(repository, new Pace(asked.Rate ?? long.MaxValue, scrub.Time), stream.ReportAsync, token));
    }

    private async ValueTask<RepositoryKey> FindAsync(ScrubAsked asked, CancellationToken cancellationToken)
    {
        if (asked.Repository is null)
            throw new AdminException(Outcome.AdminInvalid, "registry goes with repository; without both, everything is checked");
        if (!RepositoryName.TryParse(asked.Repository, out var name))
            throw new AdminException(Outcome.AdminInvalid, $"'{asked.Repository}' is not the name of a repository");
        var registries = options.Registries.Select(registry => registry.Name).ToList();
        var registry = asked.Registry ?? (registries.Count == 1 ? registries[0] : throw new AdminException(
            Outcome.AdminInvalid, $"name the repository's registry: {string.Join(", ", registries)}"));
        var key = await scrub.Stores.Metadata.ReadAsync(
            (registry, name),
            static (db, s) => Registries.Find(db, s.registry) is { } id && Repositories.Exists(db, new RepositoryKey((int)id, s.name))
                ? new RepositoryKey((int)id, s.name)
                : (RepositoryKey?)null,
            cancellationToken);
        return key ?? throw new AdminException(Outcome.AdminNotFound, $"registry '{registry}' has no repository '{name}'");
    }

    private static bool IsOurs(IncidentKind kind) => kind is IncidentKind.BlobMissing or IncidentKind.BlobCorrupt or IncidentKind.ManifestMissing
        or IncidentKind.ManifestCopy or IncidentKind.DanglingEdge or IncidentKind.UnknownFile or IncidentKind.StoreUnreadable;

    private SweepStatus DescribeSweep(CheckRow? row)
    {
        var check = Describe(row);
        var last = scrub.Sweep.Last;
        return new SweepStatus(
            check.StartedAt, check.FinishedAt, last?.Took.TotalSeconds, last is { Period.Ticks: > 0 } ? last.Value.Period.TotalSeconds : null,
            last?.Files ?? 0, last?.Missing ?? 0, last?.Changed ?? 0, last?.Unreadable ?? 0);
    }

    private WalkStatus DescribeWalk(CheckRow? row, VerifiedFigures figures)
    {
        var check = Describe(row);
        var walk = scrub.Walk.Figures;
        return new WalkStatus(
            scrub.Walk.IsRunning, check.StartedAt, check.FinishedAt, walk.Blobs, walk.Bytes, walk.Findings,
            figures.Blobs, figures.Bytes, figures.VerifiedBlobs, figures.VerifiedBytes, At(figures.OldestVerifiedAtMs), scrub.Sweep.Suspects.Count);
    }

    private static CheckStatus Describe(CheckRow? row) => new(At(row?.StartedAtMs ?? 0), At(row?.FinishedAtMs ?? 0));

    private static DateTimeOffset? At(long ms) => ms > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;

    /// <param name="Registry">May be left out where there is only one.</param>
    /// <param name="Repository">Null: everything.</param>
    /// <param name="Rate">Bytes a second; null: as fast as it goes.</param>
    /// <param name="Fast">Look at everything instead of reading it.</param>
    private sealed record ScrubAsked(string? Registry = null, string? Repository = null, long? Rate = null, bool Fast = false);
}
