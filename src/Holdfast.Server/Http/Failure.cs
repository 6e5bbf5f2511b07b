using Holdfast.Storage.Blobs;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>What is answered when no handler could answer.</summary>
/// <param name="IsOurs">Nobody expected it, so it is logged as an error.</param>
internal sealed record Failure(Outcome Outcome, string Message, bool IsOurs = false)
{
    // Long enough for a restart, short enough that a client's next try finds the new process.
    private const string RetryAfterSeconds = "5";

    public static readonly Failure Draining = new(Outcome.Draining, "the server is stopping; try again shortly");

    private static readonly Failure Unknown = new(
        Outcome.Failed, "the server failed to handle the request; its log tells why under the request id", IsOurs: true);

    public static Failure Of(Exception e) => e switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => new(Outcome.RequestTimedOut, "the request arrived too slowly"),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new(Outcome.RequestTooLarge, "the request is too large"),
        BadHttpRequestException => new(Outcome.RequestMalformed, "the request is malformed or its body ended early"),
        StoreFullException => new(Outcome.StoreFull, "the server has no room left to store this; pulls and deletes go on"),
        StoreUnwritableException => new(Outcome.StoreUnwritable, "the server's disk takes no writes at the moment; pulls go on"),
        AnswerCutException => new(Outcome.Failed, e.Message),
        _ => Unknown,
    };

    public Task AnswerAsync(RegistryRequest request)
    {
        var http = request.Context;
        if (Outcome == Outcome.Draining)
            http.Response.Headers.RetryAfter = RetryAfterSeconds;
        // What is left of the request's body won't be read, so the connection can't be used again. HTTP/2 has streams for that.
        if (HttpProtocol.IsHttp11(http.Request.Protocol) || HttpProtocol.IsHttp10(http.Request.Protocol))
            http.Response.Headers.Connection = "close";
        return request.FailAsync(Outcome, Message);
    }
}
