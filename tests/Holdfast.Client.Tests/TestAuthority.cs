using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Holdfast.Client.Tests;

/// <summary>A certificate for 127.0.0.1 that vouches for itself, and a trust file that holds it.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _certificate;

    /// <param name="from">Valid from so many days after now; negative: before.</param>
    public TestAuthority(string address = "127.0.0.1", int from = -1, int to = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(from), DateTimeOffset.UtcNow.AddDays(to));
        System.IO.File.WriteAllText(File, _certificate.ExportCertificatePem());
    }

    public string File { get; } = Path.GetTempFileName();

    public void Use(ListenOptions listen) => listen.UseHttps(_certificate);

    public void Dispose()
    {
        _certificate.Dispose();
        System.IO.File.Delete(File);
    }
}
