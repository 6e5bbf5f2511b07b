using System.Net;

namespace Holdfast.Client;

/// <summary>Sends requests and follows redirects; the one place that decides where credentials go.</summary>
internal sealed class Wire : IDisposable
{
    // A registry needs one, to its blobs' store; a few more are for those that moved.
    private const int MaxRedirects = 5;

    private readonly HttpMessageInvoker _http;
    private readonly RegistryClientOptions _options;

    public Wire(RegistryClientOptions options)
    {
        _options = options;
        var trust = options.TrustFile is { } file ? TrustFile.Load(file) : null;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.ConnectTimeout,
            MaxConnectionsPerServer = options.MaxConnections,
            MaxResponseHeadersLength = 64, // KiB
            MaxResponseDrainSize = 64 << 10,
            // Names are resolved again, so that a host which moved is found without a restart.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            UseCookies = false,
            UseProxy = options.Proxy is not null,
            Proxy = options.Proxy,
            // Else it would send the credentials of a redirect's address on its own.
            Credentials = null,
            PreAuthenticate = false,
        };
        if (options.AcceptAnyCertificate)
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null;
        else if (trust is not null)
            handler.SslOptions.RemoteCertificateValidationCallback = trust.Accepts;
        _http = new HttpMessageInvoker(handler, disposeHandler: true);
    }

    public RegistryClientOptions Options => _options;

    public void Dispose() => _http.Dispose();

    /// <exception cref="OperationCanceledException">The caller's token was cancelled; every other trouble is in the reply.</exception>
    public async ValueTask<Reply> SendAsync(Ask ask, CancellationToken token)
    {
        var (target, elsewhere) = (ask.Target, false);
        for (var redirects = 0; ; redirects++)
        {
            var reply = await SendOnceAsync(ask, target, !elsewhere, token);
            if (reply.Response is not { } response || !IsRedirect(response.StatusCode))
                return reply with { Elsewhere = elsewhere };
            var problem = redirects == MaxRedirects
                ? $"{target.Authority} redirects again after {MaxRedirects} redirects"
                : FindProblem(target, response.Headers.Location, out target);
            response.Dispose();
            if (problem is not null)
                return new Reply(null, new RegistryFailure(RegistryOutcome.Unusable, problem), elsewhere);
            // Once away, for good: what another host says about the way back is that host's wish.
            elsewhere = elsewhere || !IsSameOrigin(ask.Target, target);
        }
    }

    public static bool IsSameOrigin(Uri one, Uri other) =>
        Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private async ValueTask<Reply> SendOnceAsync(Ask ask, Uri target, bool authorized, CancellationToken token)
    {
        using var request = ask.ToRequest(target, authorized);
        try
        {
            var response = await Stall.GuardAsync(
                _options, (_http, request), static (state, token) => new ValueTask<HttpResponseMessage>(state._http.SendAsync(state.request, token)), token);
            return new Reply(response, null);
        }
        catch (Exception e) when (Failures.IsNetwork(e))
        {
            token.ThrowIfCancellationRequested();
            return new Reply(null, Failures.Of(e, target));
        }
    }

    private static bool IsRedirect(HttpStatusCode status) => (int)status is 301 or 302 or 303 or 307 or 308;

    private static string? FindProblem(Uri from, Uri? location, out Uri target)
    {
        target = from;
        if (location is null || !Uri.TryCreate(from, location, out var to))
            return $"{from.Authority} redirects without saying where to";
        target = to;
        if (to.Scheme != Uri.UriSchemeHttp && to.Scheme != Uri.UriSchemeHttps)
            return $"{from.Authority} redirects to a {Failures.Printable(to.Scheme)}: address, which is not followed";
        if (from.Scheme == Uri.UriSchemeHttps && to.Scheme == Uri.UriSchemeHttp)
            return $"{from.Authority} redirects from https to plain http at {to.Authority}, which is not followed";
        return null;
    }
}
