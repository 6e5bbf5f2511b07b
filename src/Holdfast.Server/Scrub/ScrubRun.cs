using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>A check of everything, or of what one repository needs, that somebody asked for.</summary>
internal sealed class ScrubRun(ContentStores stores, Inspection inspection, TimeProvider time)
{
    private const int PageRows = 200;

    private readonly ScrubTally _tally = new();

    /// <param name="repository">Null: everything.</param>
    public async Task<ScrubReport> RunAsync(RepositoryKey? repository, Pace pace, Func<AdminProgress, ValueTask> report, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        long? total = repository is null
            ? (await stores.Metadata.ReadAsync(0L, static (db, since) => BlobChecks.Measure(db, since), cancellationToken)).Bytes
            : null;
        var last = 0L;
        while (await ReadPageAsync(repository, last, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var blob in page)
            {
                _tally.Count(blob, await inspection.RunAsync(blob, pace, cancellationToken));
                await report(new AdminProgress("hashing", _tally.Bytes, total, "bytes"));
            }
            last = page[^1].Id;
        }
        await inspection.FlushAsync();
        return _tally.Report(time.GetElapsedTime(started));
    }

    private ValueTask<IReadOnlyList<KnownBlob>> ReadPageAsync(RepositoryKey? repository, long after, CancellationToken cancellationToken) =>
        stores.Metadata.ReadAsync(
            (repository, after),
            static (db, s) => s.repository is { } key ? BlobChecks.ListOf(db, key, s.after, PageRows) : BlobChecks.ListById(db, s.after, PageRows),
            cancellationToken);
}
