using System.Net;

namespace Holdfast.Client;

/// <summary>One question to the registry: with what is known to be needed, and once more if it asks for credentials.</summary>
internal sealed class RegistryExchange(Wire wire, Authorizer authorizer)
{
    public RegistryClientOptions Options => wire.Options;

    /// <returns>A response of any status but 401, or a failure.</returns>
    public async ValueTask<Reply> SendAsync(Ask ask, string scope, CancellationToken token)
    {
        var known = authorizer.Known(scope);
        var reply = await wire.SendAsync(ask with { Authorization = known }, token);
        if (reply.Response is not { StatusCode: HttpStatusCode.Unauthorized } first)
            return reply;
        using (first)
        {
            // Another host's challenge is not answered: it would get what is the registry's.
            if (reply.Elsewhere)
                return new Reply(null, await Failures.OfStatusAsync(Options, first, token), Elsewhere: true);
            var answer = await authorizer.AnswerAsync(ChallengesOf(first), scope, known, token);
            if (!answer.TryGet(out var authorization, out var failure))
                return new Reply(null, failure);
            ask = ask with { Authorization = authorization };
        }
        reply = await wire.SendAsync(ask, token);
        if (reply.Response is not { StatusCode: HttpStatusCode.Unauthorized } second)
            return reply;
        using (second)
            return new Reply(null, await Failures.OfStatusAsync(Options, second, token));
    }

    // As they came: the framework's reader drops a whole header for one bad character.
    private static IReadOnlyList<Challenge> ChallengesOf(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("WWW-Authenticate", out var values) ? Challenge.Parse(values) : [];
}
