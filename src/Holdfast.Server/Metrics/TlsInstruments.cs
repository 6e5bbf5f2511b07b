using System.Diagnostics.Metrics;
using Holdfast.Server.Http;

namespace Holdfast.Server.Metrics;

/// <summary>The certificates in use.</summary>
internal sealed class TlsInstruments : IDisposable
{
    private readonly Meter _meter;

    public TlsInstruments(object scope, IReadOnlyList<TlsCertificate> certificates)
    {
        _meter = new Meter("Holdfast.Tls", null, null, scope);
        _meter.CreateObservableGauge(
            "holdfast_tls_certificate_expiry_timestamp_seconds",
            () => certificates.Select(static c => Of(c, c.Expiry.ToUnixTimeSeconds())),
            null,
            "When the certificate in use expires, Unix time.");
        _meter.CreateObservableGauge(
            "holdfast_tls_certificate_reload_failed",
            () => certificates.Select(static c => Of(c, c.ReloadFailed ? 1 : 0)),
            null,
            "1 while the files on disk are bad and an older certificate stays in use.");
    }

    public void Dispose() => _meter.Dispose();

    private static Measurement<long> Of(TlsCertificate certificate, long value) =>
        new(value, new KeyValuePair<string, object?>("listener", certificate.Listener));
}
