using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Holdfast.Server.Http;

/// <summary>How handlers answer: errors in the specification's JSON, bodies in JSON.</summary>
internal static class Answers
{
    /// <summary>Names and digests are readable as they are; the default encoder would escape '+' in media types.</summary>
    public static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly StringValues JsonType = "application/json";

    /// <summary>Answers an error (dist-spec v1.1.1, "Error Codes"). A HEAD gets the status alone.</summary>
    /// <param name="message">What is wrong and what to do next, for a person.</param>
    /// <param name="detail">Writes properties into the detail object, which always holds the request's id.</param>
    public static Task FailAsync(this RegistryRequest request, Outcome outcome, string message, Action<Utf8JsonWriter>? detail = null)
    {
        var (status, code) = Outcomes.Of(outcome);
        request.ErrorCode = code;
        var response = request.Context.Response;
        response.StatusCode = status;
        response.Headers.ContentType = JsonType;
        if (HttpMethods.IsHead(request.Context.Request.Method))
            return Task.CompletedTask;

        var body = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(body, Json))
        {
            json.WriteStartObject();
            json.WriteStartArray("errors"u8);
            json.WriteStartObject();
            json.WriteString("code"u8, code);
            json.WriteString("message"u8, message);
            json.WriteStartObject("detail"u8);
            detail?.Invoke(json);
            json.WriteString("requestId"u8, request.Id);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return SendAsync(request, body.WrittenMemory);
    }

    /// <summary>Answers a request that wasn't admitted.</summary>
    /// <param name="unauthorized">What a 401 says.</param>
    /// <param name="denied">What a caller is answered who is known and may not, with <paramref name="why"/>.</param>
    public static Task RefuseAsync(this RegistryRequest request, Admission admission, string unauthorized, Outcome denied, string why)
    {
        var headers = request.Context.Response.Headers;
        switch (admission.Outcome)
        {
            case AdmissionOutcome.Unauthorized:
                headers.WWWAuthenticate = admission.Challenge;
                return request.FailAsync(Outcome.Unauthorized, unauthorized);
            case AdmissionOutcome.SlowDown:
                headers.RetryAfter = Math.Ceiling(admission.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
                return request.FailAsync(Outcome.SlowDown, "too many failed logins from this address; wait before the next one");
            default:
                return request.FailAsync(denied, why);
        }
    }

    /// <summary>Answers 200 with a JSON body of the given type.</summary>
    public static Task SendJsonAsync<TState>(
        this RegistryRequest request, string contentType, TState state, Action<Utf8JsonWriter, TState> write)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(body, Json))
            write(json, state);
        return SendBytesAsync(request, contentType, body.WrittenMemory);
    }

    /// <summary>Answers 200 with a body that is ready.</summary>
    public static Task SendBytesAsync(this RegistryRequest request, string contentType, ReadOnlyMemory<byte> body)
    {
        request.Context.Response.Headers.ContentType = contentType;
        return SendAsync(request, body);
    }

    private static async Task SendAsync(RegistryRequest request, ReadOnlyMemory<byte> body)
    {
        var response = request.Context.Response;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(request.Context.Request.Method))
            await response.BodyWriter.WriteAsync(body, request.Aborted);
    }
}
