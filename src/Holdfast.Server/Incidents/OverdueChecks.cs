using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Incidents;

/// <summary>Notices a check that no longer comes to its end (P8): silence must not look like health.</summary>
/// <param name="expected">The checks that this server runs by itself.</param>
internal sealed class OverdueChecks(ContentStores stores, IReadOnlyList<ExpectedCheck> expected, IncidentBook book, StoreTime time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // Runs that may be missed: one can be cut by a restart, the next be slow.
    private const int Patience = 3;

    private readonly DateTimeOffset _since = time.GetUtcNow();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var rows = await stores.Metadata.ReadAsync(0, static (db, _) => Checks.List(db), cancellationToken);
        foreach (var (name, interval) in expected)
        {
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

/// <param name="Name">Its row among the checks.</param>
/// <param name="Interval">From one end to the next.</param>
internal readonly record struct ExpectedCheck(string Name, TimeSpan Interval);
