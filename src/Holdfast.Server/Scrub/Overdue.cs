using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>Notices a check that no longer comes to its end (P8): silence must not look like health.</summary>
internal sealed class Overdue(ContentStores stores, ScrubOptions options, IncidentBook incidents, StoreTime time)
{
    private const int Patience = 3;

    private readonly DateTimeOffset _since = time.GetUtcNow();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var (rows, figures, open) = await stores.Metadata.ReadAsync(
            0,
            static (db, _) => (Checks.List(db), BlobChecks.Measure(db, 0),
                Storage.Metadata.Incidents.ListOpen(db, 10_000).Where(i => i.Kind == IncidentKind.CheckOverdue).Select(i => i.Subject).ToHashSet(StringComparer.Ordinal)),
            cancellationToken);
        foreach (var (name, expected) in Expected(figures))
        {
            var row = rows.FirstOrDefault(row => string.Equals(row.Name, name, StringComparison.Ordinal));
            var finished = DateTimeOffset.FromUnixTimeMilliseconds(row?.FinishedAtMs ?? 0);
            // Nothing can be late before this process had its time.
            var last = finished > _since ? finished : _since;
            if (last.ToUnixTimeMilliseconds() < time.Look().AgoMs(expected * Patience))
                await incidents.OpenAsync(IncidentKind.CheckOverdue, name, Tell(name, finished, expected));
            else if (open.Contains(name))
                await incidents.HealAsync(IncidentKind.CheckOverdue, name, "check");
        }
    }

    private IEnumerable<(string Name, TimeSpan Expected)> Expected(VerifiedFigures figures)
    {
        var look = TimeSpan.FromSeconds((double)figures.Blobs / options.MaxFilesPerSecond);
        var read = TimeSpan.FromSeconds((double)figures.Bytes / options.BytesPerSecond);
        yield return (Sweep.Name, Longer(options.SweepInterval, look));
        yield return (HashWalk.Name, Longer(options.Period / 2, read));
        yield return (UnknownFiles.Name, UnknownFiles.Interval + look);
    }

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static string Tell(string name, DateTimeOffset finished, TimeSpan expected) => string.Create(
        CultureInfo.InvariantCulture,
        $"the check '{name}' should end every {expected.TotalSeconds:0} s, and last ended {(finished == DateTimeOffset.UnixEpoch ? "never" : finished.ToString("u", CultureInfo.InvariantCulture))}; the log tells why");
}
