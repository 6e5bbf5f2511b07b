using System.Text;
using Holdfast.Storage.Blobs;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>
/// What is answered when no handler could answer. The codes are not the specification's, which has none for a server's own trouble; 5XX bodies
/// are free (dist-spec v1.1.1, "Error Codes").
/// </summary>
/// <param name="IsOurs">Nobody expected it, so it is logged as an error.</param>
internal sealed record Failure(int Status, string Code, string Message, bool IsOurs = false)
{
    // Long enough for a restart, short enough that a client's next try finds the new process.
    private const string RetryAfterSeconds = "5";

    public static readonly Failure Draining = new(
        StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE", "the server is stopping; try again shortly");

    private static readonly Failure Unknown = new(
        StatusCodes.Status500InternalServerError,
        "UNKNOWN",
        "the server failed to handle the request; its log tells why under the request id",
        IsOurs: true);

    public static Failure Of(Exception e) => e switch
    {
        BadHttpRequestException bad => new Failure(bad.StatusCode, "UNSUPPORTED", BadRequest(bad.StatusCode)),
        StoreFullException => new Failure(StatusCodes.Status507InsufficientStorage, "UNAVAILABLE", "the server has no room left to store this"),
        _ => Unknown,
    };

    public async Task AnswerAsync(RegistryRequest request)
    {
        var response = request.Context.Response;
        request.ErrorCode = Code;
        response.StatusCode = Status;
        response.ContentType = "application/json";
        if (Status == StatusCodes.Status503ServiceUnavailable)
            response.Headers.RetryAfter = RetryAfterSeconds;

        // What is left of the request's body won't be read, so the connection can't be used again. HTTP/2 has streams for that.
        if (HttpProtocol.IsHttp11(request.Context.Request.Protocol) || HttpProtocol.IsHttp10(request.Context.Request.Protocol))
            response.Headers.Connection = "close";
        var body = Encoding.UTF8.GetBytes(
            $$$"""{"errors":[{"code":"{{{Code}}}","message":"{{{Message}}}","detail":{"requestId":"{{{request.Id}}}"}}]}""");
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(request.Context.Request.Method))
            await response.BodyWriter.WriteAsync(body, request.Aborted);
    }

    private static string BadRequest(int status) => status switch
    {
        StatusCodes.Status408RequestTimeout => "the request arrived too slowly",
        StatusCodes.Status413PayloadTooLarge => "the request is too large",
        StatusCodes.Status431RequestHeaderFieldsTooLarge => "the request's headers are too large",
        _ => "the request is malformed or its body ended early",
    };
}
