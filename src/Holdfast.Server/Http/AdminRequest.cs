using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>
/// One request to the administration's interface, whose caller was admitted. A handler answers once: with <see cref="AnswerAsync"/>, with <see cref="StreamAsync"/>,
/// or by throwing an <see cref="AdminException"/>.
/// </summary>
/// <param name="request">The request as the server sees it.</param>
/// <param name="values">The values of the template's names.</param>
internal sealed partial class AdminRequest(RegistryRequest request, IReadOnlyDictionary<string, string> values, TimeProvider time, ILogger log)
{
    public HttpContext Context => request.Context;

    /// <summary>Who asks: a user's name, or "local:" and the user id at the other end of the socket. No user's name holds a colon.</summary>
    public string Caller => request.Caller?.User ?? "";

    /// <summary>Set when the client goes away. Work that must not stop then takes another token.</summary>
    public CancellationToken Aborted => request.Aborted;

    /// <summary>The value at <c>{name}</c> in the template, decoded.</summary>
    public string Value(string name) => values[name];

    /// <returns>The one value of a query parameter; null if it is absent.</returns>
    /// <exception cref="AdminException">It is empty, or there are several: whoever narrows something must not get all of it.</exception>
    public string? Query(string name)
    {
        if (!request.Context.Request.Query.TryGetValue(name, out var values))
            return null;
        return values is [{ Length: > 0 } value]
            ? value
            : throw new AdminException(Outcome.AdminInvalid, values.Count > 1 ? $"{name}: it is given {values.Count} times" : $"{name}: it is empty; leave it out, or give a value");
    }

    /// <summary>Reads the body: one JSON object with the members of <typeparamref name="T"/> and no others. No body counts as an object without members.</summary>
    /// <exception cref="AdminException">It is none, or larger than so many bytes.</exception>
    public ValueTask<T> ReadJsonAsync<T>(int maxBytes = AdminBody.MaxBytes) => AdminBody.ReadAsync<T>(request, maxBytes);

    /// <summary>Reads the body's next bytes, until the buffer is full or the body at its end: for one that is no JSON.</summary>
    public async ValueTask<int> FillAsync(Memory<byte> buffer)
    {
        var filled = 0;
        for (int read; filled < buffer.Length && (read = await request.ReadBodyAsync(buffer[filled..])) > 0;)
            filled += read;
        return filled;
    }

    /// <summary>Lets the body come as slowly as it likes.</summary>
    public void AllowPauses()
    {
        if (request.Context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    /// <summary>Answers 200 with one JSON object.</summary>
    public async Task AnswerAsync<T>(T value)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(value, AdminJson.Answers);
        var response = request.Context.Response;
        response.ContentType = AdminJson.ContentType;
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, request.Aborted);
    }

    /// <summary>
    /// Answers with lines, for work that takes long: its progress as it comes, at last its result or its error. What is known to be wrong before the work begins is better
    /// thrown before this is called, while the status can still say it.
    /// </summary>
    /// <param name="work">Its token is set when the client goes away or the server stops.</param>
    public async Task StreamAsync<TResult>(Func<AdminStream, CancellationToken, Task<TResult>> work)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, request.Stopping);
        var stream = new AdminStream(request, time);
        await stream.OpenAsync();
        try
        {
            await stream.EndAsync(await work(stream, ended.Token));
        }
        catch (AdminException e)
        {
            await stream.EndAsync(e.Outcome, e.Message);
        }
        catch (OperationCanceledException) when (request.Stopping.IsCancellationRequested && !request.Aborted.IsCancellationRequested)
        {
            await stream.EndAsync(Outcome.Draining, "the server is stopping; ask again when it runs");
        }
        catch (Exception e) when (!request.Aborted.IsCancellationRequested)
        {
            var failure = Failure.Of(e);
            if (failure.IsOurs)
                Failed(log, e, request.Id, request.Context.Request.Path);
            await stream.EndAsync(failure.Outcome, failure.Message);
        }
    }

    [LoggerMessage(1010, LogLevel.Error, "Administration request {RequestId} ({Path}) failed")]
    private static partial void Failed(ILogger logger, Exception e, string requestId, string path);
}
