using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Client.Tests;

/// <summary>What a hand-made registry may answer.</summary>
internal static class Answers
{
    public static Task AnswerAsync(this HttpContext context, int status, string body = "")
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body);
    }

    public static Task SendAsync(this HttpContext context, byte[] body)
    {
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();
    }

    /// <param name="from">Where the answer begins; null: where the request wants it.</param>
    public static Task SendRangeAsync(this HttpContext context, byte[] body, int? from = null)
    {
        var start = from ?? int.Parse(context.Request.Headers.Range.ToString()["bytes=".Length..^1], CultureInfo.InvariantCulture);
        context.Response.StatusCode = 206;
        context.Response.Headers.ContentRange = $"bytes {start}-{body.Length - 1}/{body.Length}";
        return context.SendAsync(body[start..]);
    }

    /// <summary>States the whole size and sends the first bytes: the server then ends the connection.</summary>
    public static Task BreakAsync(this HttpContext context, byte[] body, int after, string? tag = null)
    {
        context.Response.ContentLength = body.Length;
        if (tag is not null)
            context.Response.Headers.ETag = tag;
        return context.Response.Body.WriteAsync(body.AsMemory(0, after)).AsTask();
    }

    public static Task RedirectAsync(this HttpContext context, string location)
    {
        context.Response.StatusCode = 307;
        context.Response.Headers.Location = location;
        return Task.CompletedTask;
    }

    public static Task ChallengeAsync(this HttpContext context, string challenge)
    {
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = challenge;
        return Task.CompletedTask;
    }
}
