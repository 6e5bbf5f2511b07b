using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Server.Tests.Hosting;

/// <summary>A root, and leaf certificates with keys as PEM files in a folder of their own.</summary>
internal sealed class CertificateFiles : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-tls-");
    private readonly X509Certificate2 _intermediate;

    public CertificateFiles()
    {
        var now = DateTimeOffset.UtcNow;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=Root", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Root = rootRequest.CreateSelfSigned(now.AddDays(-1), now.AddYears(2));

        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Intermediate", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _intermediate = request.Create(Root, now.AddDays(-1), now.AddYears(1), [1]).CopyWithPrivateKey(key);
    }

    public X509Certificate2 Root { get; }

    public TlsOptions Options => new(CertificatePath, KeyPath);

    public string CertificatePath => Path.Combine(_folder.FullName, "fullchain.pem");

    public string KeyPath => Path.Combine(_folder.FullName, "privkey.pem");

    /// <summary>Writes a leaf for 127.0.0.1 and its chain.</summary>
    public void Write(string name, bool rsa = false, DateTimeOffset? expiry = null)
    {
        var (certificate, key) = Create(name, rsa, expiry ?? DateTimeOffset.UtcNow.AddDays(90));
        File.WriteAllText(CertificatePath, certificate);
        File.WriteAllText(KeyPath, key);
    }

    public (string CertificatePem, string KeyPem) Create(string name, bool rsa, DateTimeOffset expiry)
    {
        using AsymmetricAlgorithm key = rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = key is RSA rsaKey
            ? new CertificateRequest($"CN={name}", rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={name}", (ECDsa)key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var serial = RandomNumberGenerator.GetBytes(8);
        serial[0] &= 0x7f;
        using var issuerKey = _intermediate.GetECDsaPrivateKey()!;
        var signing = X509SignatureGenerator.CreateForECDsa(issuerKey);
        using var leaf = request.Create(_intermediate.SubjectName, signing, DateTimeOffset.UtcNow.AddDays(-1), expiry, serial);
        return (leaf.ExportCertificatePem() + "\n" + _intermediate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        Root.Dispose();
        _intermediate.Dispose();
    }
}
