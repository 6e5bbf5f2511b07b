using Holdfast.Server.Collection;
using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Scrub;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>What a server does by itself, beside its requests; one line for each.</summary>
internal static class BackgroundWork
{
    public static IReadOnlyList<Recurring> Start(
        ServerOptions options, Collector collector, StoreScrub scrub, TimeProvider time, ILogger<Recurring> log) =>
    [
        Recurring.Start("the collection", options.Collection.Interval, collector.RunDueAsync, time, log),
        .. scrub.Start(log),
    ];
    public static IReadOnlyList<Recurring> Start(StoreScrub scrub, ILogger<Recurring> log) => [.. scrub.Start(log)];

    public static IEnumerable<Recurring> Start(Healer healer, IncidentKeeper keeper, TimeProvider time, ILogger<Recurring> log)
    {
        for (var n = 0; n < Healer.MaxAtOnce; n++)
            yield return Recurring.Start("the healing", Healer.Interval, healer.RunDueAsync, time, log);
        yield return Recurring.Start("the keeping of incidents", IncidentKeeper.Interval, keeper.RunAsync, time, log);
    }

    public static IEnumerable<Recurring> Start(OverdueChecks overdue, TimeProvider time, ILogger<Recurring> log) =>
        [Recurring.Start("the watch over the checks", OverdueChecks.Interval, overdue.RunAsync, time, log)];
}
