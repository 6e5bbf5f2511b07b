using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>What the server measures of its requests and connections. Labels are bounded: registries and routes are ours, methods are known ones.</summary>
internal sealed class HttpInstruments : IDisposable
{
    private static readonly string[] StatusTexts = [.. Enumerable.Range(0, 600).Select(static n => n.ToString())];

    private readonly Meter _meter;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _durations;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;
    private readonly UpDownCounter<long> _connections;
    private readonly Counter<long> _refusedConnections;

    /// <param name="scope">Tells the instruments of two servers in one process apart.</param>
    /// <param name="inFlight">Requests being answered.</param>
    public HttpInstruments(object scope, InFlight inFlight)
    {
        _meter = new Meter("Holdfast.Http", null, null, scope);
        _requests = _meter.CreateCounter<long>("holdfast_http_requests_total", null, "Requests answered (499: the client went away first).");
        _durations = _meter.CreateHistogram<double>(
            "holdfast_http_request_duration_seconds", null, "Time from a request's headers to its answer's end.");
        _received = _meter.CreateCounter<long>("holdfast_http_request_bytes_total", null, "Bytes of request bodies read.");
        _sent = _meter.CreateCounter<long>("holdfast_http_response_bytes_total", null, "Bytes of response bodies written.");
        _connections = _meter.CreateUpDownCounter<long>("holdfast_http_connections", null, "Open connections.");
        _refusedConnections = _meter.CreateCounter<long>(
            "holdfast_http_connections_refused_total", null, "Connections closed at once because the limit was reached.");
        _meter.CreateObservableGauge(
            "holdfast_http_requests_in_flight", () => (long)inFlight.Count, null, "Requests being answered, without health and metrics.");
        _connections.Add(0);
        _refusedConnections.Add(0);
    }

    public void Answered(RegistryRequest request, int status, RequestByteCounter bytes, TimeSpan duration)
    {
        var registry = new KeyValuePair<string, object?>("registry", request.Registry.Name);
        var route = new KeyValuePair<string, object?>("route", request.Route.Kind.Label());
        var method = new KeyValuePair<string, object?>("method", MethodLabel(request.Context.Request.Method));
        _requests.Add(1, [registry, route, method, new("code", StatusTexts[Math.Clamp(status, 0, 599)])]);
        _durations.Record(duration.TotalSeconds, registry, route, method);
        if (bytes.BytesIn > 0)
            _received.Add(bytes.BytesIn, registry, route);
        if (bytes.BytesOut > 0)
            _sent.Add(bytes.BytesOut, registry, route);
    }

    public void ConnectionOpened() => _connections.Add(1);

    public void ConnectionClosed() => _connections.Add(-1);

    public void ConnectionRefused() => _refusedConnections.Add(1);

    public void Dispose() => _meter.Dispose();

    private static string MethodLabel(string method) => method switch
    {
        "GET" or "HEAD" or "PUT" or "POST" or "PATCH" or "DELETE" or "OPTIONS" => method,
        _ => "OTHER",
    };
}

internal static class RouteKindLabels
{
    /// <summary>The route as it stands in metrics and the log; spelled out, so that renaming a member changes no dashboard.</summary>
    public static string Label(this RouteKind kind) => kind switch
    {
        RouteKind.Base => "base",
        RouteKind.Blob => "blob",
        RouteKind.Manifest => "manifest",
        RouteKind.Uploads => "uploads",
        RouteKind.Upload => "upload",
        RouteKind.Tags => "tags",
        RouteKind.Referrers => "referrers",
        RouteKind.Catalog => "catalog",
        RouteKind.Token => "token",
        RouteKind.Health => "health",
        RouteKind.Ready => "ready",
        RouteKind.Metrics => "metrics",
        RouteKind.Admin => "admin",
        _ => "unknown",
    };
}
