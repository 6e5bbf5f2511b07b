using Holdfast.Server.Collection;
using Holdfast.Server.Http;
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
}
