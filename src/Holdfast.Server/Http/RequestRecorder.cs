namespace Holdfast.Server.Http;

/// <summary>Tells metrics and the access log of a request that has ended.</summary>
internal sealed class RequestRecorder(HttpInstruments instruments, AccessLog? accessLog, TimeProvider time)
{
    /// <summary>nginx's code for a client that left; nothing was answered, so it only stands in logs and metrics.</summary>
    private const int ClientClosedRequest = 499;

    public long Now() => time.GetTimestamp();

    public void Record(RequestSlot slot, RegistryRequest request)
    {
        var duration = time.GetElapsedTime(slot.Started);
        var response = request.Context.Response;
        var status = slot.Cut && !response.HasStarted ? ClientClosedRequest : response.StatusCode;
        instruments.Answered(request, status, slot.Bytes, duration);
        // A line for each of its own would drown those of others; what it finds is told by the probe.
        if (ReferenceEquals(request.Caller, Caller.Self) && status < 500)
            return;
        if (accessLog is not null && accessLog.TakesLine(AccessLogEntry.IsImportant(status, request.Context.Request.Method)))
            accessLog.Write(AccessLogEntry.Of(request, status, slot, time.GetUtcNow(), duration));
    }
}
