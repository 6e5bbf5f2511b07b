using System.Net;
using System.Security.Authentication;
using System.Text;

namespace Holdfast.Client;

/// <summary>Turns what went wrong into an outcome and a sentence.</summary>
internal static class Failures
{
    private const int MaxTextLength = 200;

    // A token that isn't the caller's ran out: a connect or stall timeout.
    public static bool IsNetwork(Exception e) => e is HttpRequestException or IOException or TimeoutException or OperationCanceledException;

    /// <summary>For an answer that did not come.</summary>
    public static RegistryFailure Of(Exception e, Uri target) => Innermost(e) is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded }
        ? new RegistryFailure(RegistryOutcome.Unavailable, $"{target.Authority}: the connection was ended before the answer")
        : OfInnermost(Innermost(e), target);

    // What .NET says first is often only "see inner exception".
    private static Exception Innermost(Exception e)
    {
        while (e is not TimeoutException && e.InnerException is { } inner)
            e = inner;
        return e;
    }

    private static RegistryFailure OfInnermost(Exception e, Uri target)
    {
        if (e is ForbiddenAddressException)
            return new RegistryFailure(RegistryOutcome.Unusable, Printable(e.Message));
        return new RegistryFailure(RegistryOutcome.Unavailable, $"{target.Authority}: {(e is AuthenticationException ? OfTls(e.Message) : Printable(e.Message))}");
    }

    /// <summary>For an answer that was good so far and broke while its body was read.</summary>
    public static RegistryFailure OfBody(Exception e, Uri target, long receivedBytes) => OfInnermost(Innermost(e), target) with
    {
        Status = 200,
        ReceivedBytes = receivedBytes,
        EndedEarly = e is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded },
    };

    // .NET names the chain's statuses, which only some readers know.
    private static string OfTls(string message) =>
        message.Contains("Cannot determine the frame size", StringComparison.Ordinal) ? "what answers there does not speak TLS (plain http may)"
        : message.Contains("NotTimeValid", StringComparison.Ordinal) ? "its certificate is out of date: it has expired, or isn't valid yet"
        : message.Contains("RemoteCertificateNameMismatch", StringComparison.Ordinal) ? "its certificate is for another name"
        : message.Contains("PartialChain", StringComparison.Ordinal) || message.Contains("UntrustedRoot", StringComparison.Ordinal)
            ? "its certificate is signed by nobody whom this machine trusts"
            : Printable(message);

    /// <summary>For a status that brings nothing that was asked for.</summary>
    public static async ValueTask<RegistryFailure> OfStatusAsync(
        RegistryClientOptions options, HttpResponseMessage response, CancellationToken token)
    {
        var host = response.RequestMessage?.RequestUri?.Authority ?? options.Registry.Authority;
        var (code, said) = await ErrorBody.ReadAsync(options, response, token);
        // To a HEAD nothing can be said.
        if (said.Length == 0 && (int)response.StatusCode == 508)
            said = "it was asked by way of itself, as caches are that fill each other in a circle; correct the upstream.url of one of them";
        var detail = $"{host} answered {(int)response.StatusCode} {response.StatusCode}{(said.Length > 0 ? ": " : "")}{said}";
        return new RegistryFailure(OutcomeOf(response.StatusCode), detail, RetryAfterOf(response, options.Time)) { Status = (int)response.StatusCode, Code = code };
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
        508 => RegistryOutcome.Unusable, // A circle: to ask again would only send it round once more.
        408 or >= 500 => RegistryOutcome.Unavailable,
        _ => RegistryOutcome.Unusable,
    };

    /// <summary>What was asked for is not packed; what is sent packed has another length and another hash.</summary>
    public static RegistryFailure? OfPacking(HttpResponseMessage response)
    {
        var packed = response.Content.Headers.ContentEncoding.FirstOrDefault(static one => !one.Equals("identity", StringComparison.OrdinalIgnoreCase));
        return packed is null ? null : new RegistryFailure(
            RegistryOutcome.Unusable,
            $"{response.RequestMessage?.RequestUri?.Authority} answered packed ('{Printable(packed)}') though that was not asked for; look for a proxy that compresses")
        { Status = (int)response.StatusCode };
    }

    /// <summary>Pages for people come from proxies, sign-in pages and servers that are no registry.</summary>
    public static RegistryFailure? OfPage(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType is not ("text/html" or "application/xhtml+xml") ? null : new RegistryFailure(
            RegistryOutcome.Unusable, $"{response.RequestMessage?.RequestUri?.Authority} answered with a page of HTML; is that a registry, and is there a proxy or a sign-in page before it?")
        { Status = (int)response.StatusCode };

    public static TimeSpan? RetryAfterOf(HttpResponseMessage response, TimeProvider time)
    {
        var wait = response.Headers.RetryAfter is { } header ? header.Delta ?? (header.Date - time.GetUtcNow()) : null;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
