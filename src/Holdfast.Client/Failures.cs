using System.Net;
using System.Text;

namespace Holdfast.Client;

/// <summary>Turns what went wrong into an outcome and a sentence.</summary>
internal static class Failures
{
    private const int MaxTextLength = 200;

    // A token that isn't the caller's ran out: a connect or stall timeout.
    public static bool IsNetwork(Exception e) => e is HttpRequestException or IOException or TimeoutException or OperationCanceledException;

    public static RegistryFailure Of(Exception e, Uri target)
    {
        // What .NET says first is often only "see inner exception".
        while (e is not TimeoutException && e.InnerException is { } inner)
            e = inner;
        return new RegistryFailure(RegistryOutcome.Unavailable, $"{target.Authority}: {Printable(e.Message)}");
    }

    /// <summary>For a status that brings nothing that was asked for.</summary>
    public static async ValueTask<RegistryFailure> OfStatusAsync(
        RegistryClientOptions options, HttpResponseMessage response, CancellationToken token)
    {
        var host = response.RequestMessage?.RequestUri?.Authority ?? options.Registry.Authority;
        var said = await ErrorBody.ReadAsync(options, response, token);
        var detail = $"{host} answered {(int)response.StatusCode} {response.StatusCode}{(said.Length > 0 ? ": " : "")}{said}";
        return new RegistryFailure(OutcomeOf(response.StatusCode), detail, RetryAfterOf(response, options.Time));
    }

    /// <summary>At most 200 characters of a stranger's text, in which everything but printable ASCII became a question mark.</summary>
    public static string Printable(string text)
    {
        var printable = new StringBuilder();
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, MaxTextLength)))
            printable.Append(c is >= ' ' and <= '~' ? c : '?');
        return text.Length > MaxTextLength ? printable.Append("...").ToString() : printable.ToString();
    }

    private static RegistryOutcome OutcomeOf(HttpStatusCode status) => (int)status switch
    {
        404 => RegistryOutcome.Unknown,
        401 or 403 => RegistryOutcome.Denied,
        429 => RegistryOutcome.SlowDown,
        408 or >= 500 => RegistryOutcome.Unavailable,
        _ => RegistryOutcome.Unusable,
    };

    private static TimeSpan? RetryAfterOf(HttpResponseMessage response, TimeProvider time)
    {
        var wait = response.Headers.RetryAfter is { } header ? header.Delta ?? (header.Date - time.GetUtcNow()) : null;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
