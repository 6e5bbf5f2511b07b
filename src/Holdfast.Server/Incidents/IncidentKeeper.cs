using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Incidents;

/// <summary>Keeps the table of incidents in order: writes what could not be written, ends what nothing watches any more, forgets what is long healed.</summary>
internal sealed class IncidentKeeper(ContentStores stores, IncidentBook book, DiskReserve reserve, StoreWatch watch, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int MaxHealed = 10_000;

    /// <summary>What the users' file of a registry is called as a subject.</summary>
    public const string UsersFile = "htpasswd ";

    private static readonly TimeSpan KeepHealed = TimeSpan.FromDays(90);

    // After it everything that watches has told of itself at least once.
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);

    // Each is a durable write.
    private static readonly TimeSpan PruneEvery = TimeSpan.FromHours(1);

    private readonly long _since = time.GetTimestamp();
    private long? _pruned;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        reserve.LookAgain();
        watch.LookAgain();
        await book.RefreshAsync(cancellationToken);
        if (time.GetElapsedTime(_since) >= Settled)
            await EndUnwatchedAsync(cancellationToken);
        await EndGoneAsync(cancellationToken);
        if (_pruned is { } last && time.GetElapsedTime(last) < PruneEvery)
            return;
        var before = (time.GetUtcNow() - KeepHealed).ToUnixTimeMilliseconds();
        await stores.Metadata.WriteAsync(before, static (db, before) => Storage.Metadata.Incidents.Prune(db, before, MaxHealed), cancellationToken);
        _pruned = time.GetTimestamp();
    }

    // What was collected meanwhile, nobody misses.
    private async Task EndGoneAsync(CancellationToken cancellationToken)
    {
        foreach (var kind in new[] { IncidentKind.BlobMissing, IncidentKind.BlobCorrupt, IncidentKind.StoreUnreadable, IncidentKind.ManifestMissing, IncidentKind.ManifestCopy })
        {
            if (book.Open.Of(kind) == 0)
                continue;
            var filter = new IncidentFilter(IncidentState.Open) { Kind = kind };
            var gone = await stores.Metadata.ReadAsync(
                filter,
                static (db, filter) => Storage.Metadata.Incidents.List(db, filter, 1_000).Where(incident => IsGone(db, incident.Subject)).ToList(),
                cancellationToken);
            foreach (var incident in gone)
                await book.HealAsync(kind, incident.Subject, "collection");
        }
    }

    private static bool IsGone(MetadataSession db, string subject) => Digest.TryParse(subject, out var digest) && !BlobRows.IsKnown(db, digest);

    // A listener or a file that the configuration no longer names can't become right again.
    private async Task EndUnwatchedAsync(CancellationToken cancellationToken)
    {
        foreach (var kind in new[] { IncidentKind.Certificate, IncidentKind.Configuration })
        {
            if (book.Open.Of(kind) == 0)
                continue;
            var filter = new IncidentFilter(IncidentState.Open) { Kind = kind };
            var open = await stores.Metadata.ReadAsync(filter, static (db, filter) => Storage.Metadata.Incidents.List(db, filter, 1_000), cancellationToken);
            foreach (var incident in open)
            {
                var isOurs = kind == IncidentKind.Certificate || incident.Subject.StartsWith(UsersFile, StringComparison.Ordinal);
                if (isOurs && !book.IsWatched(kind, incident.Subject))
                    await book.HealAsync(kind, incident.Subject, "configuration");
            }
        }
    }
}
