using System.Net;

namespace Holdfast.Client;

/// <summary>Sends requests and follows redirects; the one place that decides where credentials go.</summary>
internal sealed class Wire : IDisposable
{
    // A registry needs one, to its blobs' store; a few more are for those that moved.
    private const int MaxRedirects = 5;

    private readonly HttpMessageInvoker _http;

    // For other origins: their connections are checked, and none that was not is shared with them.
    private readonly HttpMessageInvoker _guardedHttp;
    private readonly Connector _guarded;
    private readonly RegistryClientOptions _options;

    public Wire(RegistryClientOptions options)
    {
        _options = options;
        var trust = options.TrustFile is { } file ? TrustFile.Load(file) : null;
        var registry = new Connector(options, null);
        _guarded = new Connector(options, registry);
        _http = options.Handler is { } given
            ? new HttpMessageInvoker(given, disposeHandler: false)
            : new HttpMessageInvoker(HandlerOf(options, trust, registry), disposeHandler: true);
        _guardedHttp = options.PrivateRedirects == true || options.Handler is not null ? _http : new HttpMessageInvoker(HandlerOf(options, trust, _guarded), disposeHandler: true);
    }

    public RegistryClientOptions Options => _options;

    public void Dispose()
    {
        _http.Dispose();
        _guardedHttp.Dispose();
    }

    /// <exception cref="OperationCanceledException">The caller's token was cancelled; every other trouble is in the reply.</exception>
    public async ValueTask<Reply> SendAsync(Ask ask, CancellationToken token)
    {
        var start = _options.Time.GetTimestamp();
        var reply = await FollowAsync(ask, token);
        _options.Answered?.Invoke(reply, _options.Time.GetElapsedTime(start));
        return reply;
    }

    public static bool IsSameOrigin(Uri one, Uri other) =>
        Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private async ValueTask<Reply> FollowAsync(Ask ask, CancellationToken token)
    {
        var (target, elsewhere) = (ask.Target, false);
        for (var redirects = 0; ; redirects++)
        {
            var reply = await SendOnceAsync(ask, target, !elsewhere, token);
            if (reply.Response is not { } response || !IsRedirect(response.StatusCode))
                return new Reply(reply.Response, reply.Failure is { } failure ? failure with { Elsewhere = elsewhere } : null, elsewhere);
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

    private async ValueTask<Reply> SendOnceAsync(Ask ask, Uri target, bool authorized, CancellationToken token)
    {
        using var request = ask.ToRequest(target, authorized, _options.Via);
        var http = IsSameOrigin(_options.Registry, target) ? _http : _guardedHttp;
        try
        {
            // A proxy would connect to it; the connector never sees that address.
            if (http != _http && _guarded.Guards && PrivateAddress.Is(target))
                throw new ForbiddenAddressException(target.Authority, null);
            var response = await Stall.GuardAsync(
                _options.Time, _options.AnswerTimeout ?? _options.StallTimeout, (http, request), static (state, token) => new ValueTask<HttpResponseMessage>(state.http.SendAsync(state.request, token)), token);
            return new Reply(response, null);
        }
        catch (Exception e) when (Failures.IsNetwork(e))
        {
            token.ThrowIfCancellationRequested();
            return new Reply(null, Failures.Of(e, target));
        }
        catch (ObjectDisposedException)
        {
            // By a new configuration, under a transfer that began before it.
            return new Reply(null, new RegistryFailure(RegistryOutcome.Unavailable, $"{target.Authority} is no longer asked: its client was closed"));
        }
    }

    private static SocketsHttpHandler HandlerOf(RegistryClientOptions options, TrustFile? trust, Connector connector)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.ConnectTimeout,
            ConnectCallback = connector.ConnectAsync,
            MaxConnectionsPerServer = options.MaxConnections,
            MaxResponseHeadersLength = 64, // KiB
            MaxResponseDrainSize = 64 << 10,
            PooledConnectionLifetime = options.ConnectionLifetime,
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
        return handler;
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
