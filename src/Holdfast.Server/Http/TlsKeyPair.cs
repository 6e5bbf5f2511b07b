using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Server.Http;

/// <summary>One state of a certificate file and its key file, ready for handshakes.</summary>
internal sealed class TlsKeyPair
{
    private readonly string _certificatePem;
    private readonly string _keyPem;

    private TlsKeyPair(string certificatePem, string keyPem, X509Certificate2 leaf, X509Certificate2Collection chain)
    {
        _certificatePem = certificatePem;
        _keyPem = keyPem;
        Expiry = new DateTimeOffset(leaf.NotAfter.ToUniversalTime(), TimeSpan.Zero);

        // One options object per pair: the TLS session cache hangs on it. Offline: a handshake never waits for somebody's OCSP server.
        Options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(leaf, chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            ClientCertificateRequired = false,
        };
    }

    public DateTimeOffset Expiry { get; }

    public SslServerAuthenticationOptions Options { get; }

    /// <exception cref="IOException">A file can't be read, or the two aren't a certificate chain and the key of its first certificate.</exception>
    public static TlsKeyPair Load(TlsOptions options)
    {
        var certificatePem = Read(options.CertificateFile);
        var keyPem = Read(options.KeyFile);
        if (keyPem.Contains("ENCRYPTED", StringComparison.Ordinal))
            throw new IOException($"{options.KeyFile}: the key is encrypted; store it without a passphrase, readable for the server only");
        var chain = ParseChain(certificatePem, options.CertificateFile);
        try
        {
            var leaf = X509Certificate2.CreateFromPem(certificatePem, keyPem);
            chain.RemoveAt(0);
            return new TlsKeyPair(certificatePem, keyPem, leaf, chain);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new IOException($"{options.KeyFile}: not the private key of the first certificate in {options.CertificateFile} ({e.Message})", e);
        }
    }

    /// <summary>Are the files still what they were when this was loaded?</summary>
    public bool IsOf(TlsOptions options) =>
        string.Equals(_certificatePem, Read(options.CertificateFile), StringComparison.Ordinal) &&
        string.Equals(_keyPem, Read(options.KeyFile), StringComparison.Ordinal);

    private static X509Certificate2Collection ParseChain(string pem, string file)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new IOException($"{file}: not a PEM certificate chain ({e.Message})", e);
        }

        return chain.Count > 0 ? chain : throw new IOException($"{file}: holds no PEM certificate");
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{file}: can't be read ({e.Message})", e);
        }
    }
}
