using System.Globalization;
using Holdfast.Client;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Caching;

/// <summary>What a client is answered when the upstream did not give what it wants.</summary>
internal static class UpstreamAnswers
{
    /// <param name="unknown">What is answered if the upstream has it not.</param>
    public static Task FailAsync(this RegistryRequest request, Cache cache, RegistryFailure failure, Outcome unknown, string what)
    {
        if (failure.RetryAfter is { } wait)
            request.Context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        // Who logs in there is nothing that all clients need to know.
        if (cache.Options.Upstream.Username is { Length: > 0 } user)
            failure = failure with { Detail = failure.Detail.Replace($"'{user}'", "that is configured", StringComparison.Ordinal) };
        var (outcome, message) = failure.Outcome switch
        {
            // This cache's own answer, when it met its own request again.
            _ when failure.Status == StatusCodes.Status508LoopDetected =>
                (Outcome.UpstreamLoop, $"{cache.Namespace} leads back to this cache: correct upstream.url under registries.{cache.Name}. {failure.Detail}"),
            RegistryOutcome.Unknown => (unknown, $"{cache.Namespace}, which this cache is filled from, has no such {what}"),
            RegistryOutcome.Denied => (Outcome.UpstreamDenied, $"{cache.Namespace} refuses this {what} to this cache: {failure.Detail}"),
            RegistryOutcome.SlowDown => (Outcome.UpstreamBusy, $"{cache.Namespace} takes no more requests for now, and the cache has no answer for this {what}: {failure.Detail}"),
            RegistryOutcome.Mismatch or RegistryOutcome.Unusable => (Outcome.UpstreamWrong, $"{cache.Namespace} answered with something that can't be used as this {what}: {failure.Detail}"),
            _ => (Outcome.UpstreamAway, $"{cache.Namespace} can't be reached, and the cache has no answer for this {what}: {failure.Detail}"),
        };
        return request.FailAsync(outcome, message, json => json.WriteString("upstream"u8, cache.Namespace));
    }
}
