using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Client;

/// <summary>Authorities that are trusted beside the machine's own, so that a redirect to a public host still works.</summary>
public sealed class TrustFile
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private readonly X509Certificate2Collection _authorities;

    private TrustFile(X509Certificate2Collection authorities) => _authorities = authorities;

    /// <exception cref="InvalidDataException">It holds no certificate or one that can't be read.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static TrustFile Load(string path)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (CryptographicException e)
        {
            throw new InvalidDataException($"the trust file '{path}' holds a certificate that can't be read: {e.Message}", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
        return authorities.Count > 0
            ? new TrustFile(authorities)
            : throw new InvalidDataException($"the trust file '{path}' holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
    }

    /// <summary>What a TLS connection asks about the server's certificate.</summary>
    /// <exception cref="AuthenticationException">It does not, for a reason that only the chain knows.</exception>
    public bool Accepts(object sender, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
            return true;
        // A wrong name or no certificate at all is not a question of whom to trust.
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is null)
            return false;
        using var leaf = new X509Certificate2(certificate);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        foreach (var element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf) ? true : throw new AuthenticationException(string.Join(", ", chain.ChainStatus.Select(static status => status.Status)));
    }
}
