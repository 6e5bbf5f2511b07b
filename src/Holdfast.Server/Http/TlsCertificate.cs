using System.Net.Security;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>
/// A listener's certificate chain and key. The files' contents are compared every two seconds (times of links say nothing when an orchestrator
/// swaps a folder); a pair that doesn't load or match leaves the old one in use.
/// </summary>
internal sealed partial class TlsCertificate : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Soon = TimeSpan.FromDays(14);

    private readonly TlsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private DateTimeOffset _warned = DateTimeOffset.MinValue;
    private string? _problem;
    private volatile TlsKeyPair _current;

    /// <exception cref="IOException">The files can't be read, or are no certificate and its key.</exception>
    public TlsCertificate(TlsOptions options, string listener, TimeProvider time, ILogger log)
    {
        _options = options;
        Listener = listener;
        _time = time;
        _log = log;
        _current = TlsKeyPair.Load(options);
        WarnOfExpiry();
        _timer = time.CreateTimer(static self => ((TlsCertificate)self!).Poll(), this, Period, Period);
    }

    public string Listener { get; }

    /// <summary>Is told every two seconds what is wrong with the certificate; null: nothing.</summary>
    public Action<string?> Report { get; init; } = static _ => { };

    public DateTimeOffset Expiry => _current.Expiry;

    /// <summary>The files on disk are bad; what is served is older than they are.</summary>
    public bool ReloadFailed => Volatile.Read(ref _problem) is not null;

    public SslServerAuthenticationOptions Current => _current.Options;

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Poll()
    {
        try
        {
            if (!_current.IsOf(_options))
            {
                _current = TlsKeyPair.Load(_options);
                _warned = DateTimeOffset.MinValue;
                Reloaded(_log, Listener, _current.Expiry);
            }

            Volatile.Write(ref _problem, null);
        }
        catch (Exception e)
        {
            // Whatever it is: thrown from a timer it would end the process. Once for each problem, not once every two seconds.
            if (!string.Equals(_problem, e.Message, StringComparison.Ordinal))
                KeptOld(_log, Listener, e.Message);
            Volatile.Write(ref _problem, e.Message);
        }

        WarnOfExpiry();
        Report(Problem());
    }

    private string? Problem()
    {
        var reload = _problem is { } problem ? $"the new certificate is not taken, the old one stays in use: {problem}" : null;
        var left = _current.Expiry - _time.GetUtcNow();
        var expiry = left > Soon ? null : $"the certificate in use {(left > TimeSpan.Zero ? "expires" : "expired")} {_current.Expiry:u}; renew it";
        return reload is null ? expiry : expiry is null ? reload : $"{reload}; {expiry}";
    }

    private void WarnOfExpiry()
    {
        var now = _time.GetUtcNow();
        if (_current.Expiry - now > Soon || now - _warned < TimeSpan.FromDays(1))
            return;
        _warned = now;
        if (_current.Expiry <= now)
            Expired(_log, Listener, _current.Expiry);
        else
            ExpiresSoon(_log, Listener, _current.Expiry);
    }

    [LoggerMessage(1010, LogLevel.Information, "Certificate of {Listener} reloaded; it expires {Expiry:u}")]
    private static partial void Reloaded(ILogger logger, string listener, DateTimeOffset expiry);

    [LoggerMessage(1011, LogLevel.Warning, "Certificate of {Listener} not reloaded, the old one stays in use: {Problem}")]
    private static partial void KeptOld(ILogger logger, string listener, string problem);

    [LoggerMessage(1012, LogLevel.Warning, "Certificate of {Listener} expires {Expiry:u}")]
    private static partial void ExpiresSoon(ILogger logger, string listener, DateTimeOffset expiry);

    [LoggerMessage(1013, LogLevel.Error, "Certificate of {Listener} expired {Expiry:u}")]
    private static partial void Expired(ILogger logger, string listener, DateTimeOffset expiry);
}
