using Holdfast.Server.Collection;
using Holdfast.Server.Http;
using Holdfast.Server.Trash;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server;

/// <summary>What a server does by itself, beside its requests; one line for each.</summary>
internal static class BackgroundWork
{
    public static IReadOnlyList<Recurring> Start(ServerOptions options, Collector collector, TrashCensus census, TimeProvider time, ILogger log) =>
    [
        Recurring.Start("the collection", options.Collection.Interval, collector.RunDueAsync, time, log),
        Recurring.Start("counting the trash", TrashCensus.Interval, census.CountAsync, time, log),
    ];
}
