using Holdfast.Server.Heal;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Trash;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>What a server does by itself, beside its requests; one line for each.</summary>
internal static class BackgroundWork
{
    public static IReadOnlyList<Recurring> Start(ServerOptions options, ServerRooms rooms, TimeProvider time, ILogger<Recurring> log) =>
    [
        Recurring.Start("the collection", options.Collection.Interval, rooms.Collector.RunDueAsync, time, log),
        Recurring.Start("the look at the clock", ClockWatch.Interval, rooms.Clock.RunAsync, time, log),
        Recurring.Start("counting the trash", TrashCensus.Interval, rooms.Census.CountAsync, time, log),
        .. rooms.Scrub.Start(log),
        .. Enumerable.Range(0, Healer.MaxAtOnce).Select(_ => Recurring.Start("the healing", Healer.Interval, rooms.Healer.RunDueAsync, time, log)),
        Recurring.Start("the keeping of incidents", IncidentKeeper.Interval, rooms.Keeper.RunAsync, time, log),
        Recurring.Start("the look whether the store can be written", StoreWrites.Interval, rooms.Writes.LookAsync, time, log),
        Recurring.Start("the watch over the checks", OverdueChecks.Interval, rooms.Overdue.RunAsync, time, log),
        .. rooms.Retention.Start(log),
        .. rooms.Caches.Start(log),
    ];
}
