using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Incidents;

/// <summary>Notices a check that no longer comes to its end (P8): silence must not look like health.</summary>
/// <param name="expected">The checks that this server runs by itself.</param>
internal sealed class OverdueChecks(ContentStores stores, IReadOnlyList<ExpectedCheck> expected, IncidentBook book, StoreTime time)
{
    // Each look counts all blobs.
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    // Runs that may be missed: one can be cut by a restart, the next be slow.
    private const int Patience = 3;

    private DateTimeOffset _since = time.GetUtcNow();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Without the blobs no check can end, and that they are away is an incident of its own.
        if (stores.Blobs.FindFault() is not null)
        {
            _since = time.GetUtcNow();
            return;
        }
        var (rows, stored) = await stores.Metadata.ReadAsync(0, static (db, _) => (Checks.List(db), BlobChecks.Measure(db, 0)), cancellationToken);
        foreach (var (name, intervalOf) in expected)
        {
            var interval = intervalOf(stored);
            var row = rows.FirstOrDefault(row => string.Equals(row.Name, name, StringComparison.Ordinal));
            var finished = DateTimeOffset.FromUnixTimeMilliseconds(row?.FinishedAtMs ?? 0);
            // Nothing can be late before this process had its time.
            var last = finished > _since ? finished : _since;
            var isLate = last.ToUnixTimeMilliseconds() < time.Look().AgoMs(interval * Patience);
            book.Report(IncidentKind.CheckOverdue, name, isLate ? Tell(name, interval, finished) : null);
        }
    }

    private static string Tell(string name, TimeSpan interval, DateTimeOffset finished) => string.Create(
        CultureInfo.InvariantCulture,
        $"the check '{name}' should end every {interval.TotalSeconds:0} s, and last ended {(finished == DateTimeOffset.UnixEpoch ? "never" : finished.ToString("u", CultureInfo.InvariantCulture))}; the log tells why");
}
