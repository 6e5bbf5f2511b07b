using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>One request on its way through the server. The pipeline makes it, the dispatcher fills it in, log and metrics read it.</summary>
internal sealed class RegistryRequest(HttpContext context, ListenerBinding listener, string id)
{
    public HttpContext Context => context;

    public ListenerBinding Listener => listener;

    /// <summary>The listener's, or on one that serves every cache the one that was chosen.</summary>
    public Registry Registry { get; set; } = listener.Registry;

    /// <summary>Sent as X-Request-Id, echoed in errors, written to the log.</summary>
    public string Id => id;

    public RegistryRoute Route { get; set; }

    /// <summary>Who sends it; null until that is known.</summary>
    public Caller? Caller { get; set; }

    /// <summary>How a cache had it (hit, miss, stale, gone, failed), for the log; null: no cache was asked.</summary>
    public string? CacheAnswer { get; set; }

    /// <summary>The error code that was answered, if any, for the log.</summary>
    public string? ErrorCode { get; set; }

    /// <summary>Set when the server begins to drain: what could run for ever ends then.</summary>
    public CancellationToken Stopping { get; init; }

    public CancellationToken Aborted => context.RequestAborted;
}
