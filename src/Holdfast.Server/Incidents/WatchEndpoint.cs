using System.Globalization;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Incidents;

/// <summary><c>GET /api/v1/incidents/watch</c>: a line for each change, as long as the client stays.</summary>
internal sealed class WatchEndpoint(ContentStores stores, TimeProvider time)
{
    // A watcher costs a look into an index each second (P10).
    private const int MaxWatchers = 32;
    private const int MaxChanges = 1_000;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // So that a client which is gone, or a server, is noticed.
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(15);

    private int _watchers;

    public async Task WatchAsync(AdminRequest request)
    {
        var after = IncidentsEndpoint.ReadNumber(request, "after", -1, 0, long.MaxValue);
        if (Interlocked.Increment(ref _watchers) > MaxWatchers)
        {
            Interlocked.Decrement(ref _watchers);
            throw new AdminException(Outcome.AdminConflict, $"{MaxWatchers} watch already; end one of them");
        }
        try
        {
            await request.StreamAsync((stream, token) => RunAsync(stream, after, token));
        }
        finally
        {
            Interlocked.Decrement(ref _watchers);
        }
    }

    // Never ends by itself; the result is there for the type.
    private async Task<long> RunAsync(AdminStream stream, long after, CancellationToken token)
    {
        var told = 0L;
        // From now on, if the client says nothing else.
        if (after < 0)
            after = await stores.Metadata.ReadAsync(0, static (db, _) => Storage.Metadata.Incidents.LastChange(db), token);
        var lastLine = time.GetTimestamp();
        await stream.ReportAsync(new AdminProgress("watching", told, null, "changes"));
        while (true)
        {
            var changes = await stores.Metadata.ReadAsync(
                after, static (db, after) => Storage.Metadata.Incidents.ListChanges(db, after, MaxChanges), token);
            foreach (var change in changes)
            {
                after = change.UpdatedAtMs;
                told++;
                await stream.SendAsync(new IncidentChange(IncidentsEndpoint.Describe(change), after.ToString(CultureInfo.InvariantCulture)));
            }
            if (changes.Count > 0)
                lastLine = time.GetTimestamp();
            if (time.GetElapsedTime(lastLine) >= SignOfLife)
            {
                await stream.ReportAsync(new AdminProgress("watching", told, null, "changes"));
                lastLine = time.GetTimestamp();
            }
            if (changes.Count < MaxChanges)
                await Task.Delay(Pause, time, token);
        }
    }
}
