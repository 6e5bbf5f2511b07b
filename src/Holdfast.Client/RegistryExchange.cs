using System.Net;

namespace Holdfast.Client;

/// <summary>One question to the registry: with what is known to be needed, and once more if it asks for credentials.</summary>
internal sealed class RegistryExchange(Wire wire, Authorizer authorizer)
{
    private readonly Patience _patience = new(wire.Options);

    public RegistryClientOptions Options => wire.Options;

    /// <summary>Sends, and waits and sends again as the options grant it.</summary>
    /// <returns>A response of any status but 401, or a failure.</returns>
    public async ValueTask<Reply> SendAsync(Ask ask, string scope, CancellationToken token)
    {
        for (var tries = new Tries(); ;)
        {
            if (await _patience.EnterAsync(token) is { } closed)
                return new Reply(null, closed);
            var reply = await SendOnceAsync(ask, scope, token);
            if (await _patience.LeaveAsync(reply, tries, token))
                return reply;
            reply.Response?.Dispose();
        }
    }

    /// <returns>A response of status 200, as it was asked for, or a failure.</returns>
    public async ValueTask<Reply> FindAsync(Ask ask, string scope, CancellationToken token)
    {
        var reply = await SendAsync(ask, scope, token);
        if (reply.Response is not { } response)
            return reply;
        var found = response.StatusCode == HttpStatusCode.OK;
        var packed = found ? Failures.OfPacking(response) : null;
        if (found && packed is null)
            return reply;
        using (response)
            return new Reply(null, (packed ?? await Failures.OfStatusAsync(Options, response, token)) with { Elsewhere = reply.Elsewhere });
    }

    private async ValueTask<Reply> SendOnceAsync(Ask ask, string scope, CancellationToken token)
    {
        var known = authorizer.Known(scope);
        var reply = await wire.SendAsync(ask with { Authorization = known }, token);
        if (reply.Response is not { StatusCode: HttpStatusCode.Unauthorized } first)
            return reply;
        IReadOnlyList<Challenge> challenges;
        using (first)
        {
            // Another host's challenge is not answered: it would get what is the registry's.
            if (reply.Elsewhere)
                return new Reply(null, await Failures.OfStatusAsync(Options, first, token), Elsewhere: true);
            challenges = ChallengesOf(first);
        }
        // Only now, with that connection given back: the token may come from the same host, and there may be no other.
        var answer = await authorizer.AnswerAsync(challenges, scope, known, token);
        if (!answer.TryGet(out var authorization, out var failure))
            return new Reply(null, failure);
        reply = await wire.SendAsync(ask with { Authorization = authorization }, token);
        if (reply.Response is not { StatusCode: HttpStatusCode.Unauthorized } second)
            return reply;
        using (second)
            return new Reply(null, await Failures.OfStatusAsync(Options, second, token) with { RefusesLogin = authorization is { Scheme: "Basic" } });
    }

    // As they came: the framework's reader drops a whole header for one bad character.
    private static IReadOnlyList<Challenge> ChallengesOf(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("WWW-Authenticate", out var values) ? Challenge.Parse(values) : [];
}
