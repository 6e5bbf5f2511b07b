using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>A check of everything, or of what one repository needs, that somebody asked for.</summary>
internal sealed class ScrubRun(ContentStores stores, Inspection inspection, TimeProvider time)
{
    private const int PageRows = 200;

    // The rest is counted, and each of them is an incident.
    private const int MaxFindings = 100;

    private readonly long[] _verdicts = new long[Enum.GetValues<BlobVerdict>().Length];
    private readonly List<ScrubFinding> _findings = [];
    private long _bytes;

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
                var verdict = await inspection.RunAsync(blob, pace, cancellationToken);
                Count(blob, verdict);
                await report(new AdminProgress("hashing", _bytes, total, "bytes"));
            }
            last = page[^1].Id;
        }
        await inspection.FlushAsync();
        return new ScrubReport(
            _verdicts.Sum(), _bytes, Of(BlobVerdict.Right), Of(BlobVerdict.Missing), Of(BlobVerdict.Corrupt), Of(BlobVerdict.Unreadable), Of(BlobVerdict.Unsettled),
            time.GetElapsedTime(started).TotalSeconds, _findings);
    }

    private ValueTask<IReadOnlyList<KnownBlob>> ReadPageAsync(RepositoryKey? repository, long after, CancellationToken cancellationToken) =>
        stores.Metadata.ReadAsync(
            (repository, after),
            static (db, s) => s.repository is { } key ? BlobChecks.ListOf(db, key, s.after, PageRows) : BlobChecks.ListById(db, s.after, PageRows),
            cancellationToken);

    private void Count(KnownBlob blob, BlobVerdict verdict)
    {
        _verdicts[(int)verdict]++;
        _bytes += blob.SizeBytes;
        if (verdict is BlobVerdict.Missing or BlobVerdict.Corrupt or BlobVerdict.Unreadable && _findings.Count < MaxFindings)
            _findings.Add(new ScrubFinding(blob.Digest.ToString(), verdict.Name()));
    }

    private long Of(BlobVerdict verdict) => _verdicts[(int)verdict];
}
