using System.Net;
using Microsoft.AspNetCore.Http.Features;

namespace Holdfast.Server.Http;

/// <summary>What becomes a line of the access log.</summary>
internal abstract record AccessLogLine(DateTimeOffset Time);

/// <summary>Says how many requests have no line of their own.</summary>
internal sealed record DroppedLines(DateTimeOffset Time, long Count) : AccessLogLine(Time);

/// <summary>One request for the access log: only references and numbers, put into words later by the log's own writer.</summary>
internal sealed record AccessLogEntry(DateTimeOffset Time) : AccessLogLine(Time)
{
    public required string RequestId { get; init; }

    public required IPAddress? Remote { get; init; }

    public required string? User { get; init; }

    public required string Method { get; init; }

    /// <summary>The raw target as the client sent it.</summary>
    public required string Target { get; init; }

    public required string Registry { get; init; }

    public required string Route { get; init; }

    public required string Repository { get; init; }

    public required int Status { get; init; }

    public required string? ErrorCode { get; init; }

    public required long BytesIn { get; init; }

    public required long BytesOut { get; init; }

    public required TimeSpan Duration { get; init; }

    public required string UserAgent { get; init; }

    /// <summary>The answer broke off.</summary>
    public required bool Cut { get; init; }

    /// <summary>Server errors, refusals and changes: what someone will look for, and few beside the reads.</summary>
    public static bool IsImportant(int status, string method) =>
        status is >= 500 or 401 or 403 || method is "PUT" or "POST" or "PATCH" or "DELETE";

    public static AccessLogEntry Of(RegistryRequest request, int status, RequestSlot slot, DateTimeOffset now, TimeSpan duration)
    {
        var http = request.Context;
        return new AccessLogEntry(now)
        {
            RequestId = request.Id,
            Remote = http.Connection.RemoteIpAddress,
            User = request.Caller?.User,
            Method = http.Request.Method,
            Target = http.Features.Get<IHttpRequestFeature>()!.RawTarget,
            Registry = request.Registry.Name,
            Route = request.Route.Kind.Label(),
            Repository = request.Route.Name ?? "",
            Status = status,
            ErrorCode = request.ErrorCode,
            BytesIn = slot.Bytes.BytesIn,
            BytesOut = slot.Bytes.BytesOut,
            Duration = duration,
            UserAgent = http.Request.Headers.UserAgent.ToString(),
            Cut = slot.Cut,
        };
    }
}
