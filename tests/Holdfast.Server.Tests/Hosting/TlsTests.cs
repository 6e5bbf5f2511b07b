using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public sealed class TlsTests : IDisposable
{
    private readonly CertificateFiles _files = new();
    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Https_WithALeafAndIntermediate_IsTrustedByTheRootAlone(bool rsa)
    {
        _files.Write("leaf", rsa);
        await using var host = await StartAsync();
        using var client = TrustingClient(host);
        using var response = await client.GetAsync("/v2/");
        (await response.Content.ReadAsStringAsync()).ShouldBe("HTTP/2 https");
    }

    [Fact]
    public async Task Https_WithHttp11_Answers()
    {
        _files.Write("leaf");
        await using var host = await StartAsync();
        using var client = TrustingClient(host);
        client.DefaultRequestVersion = HttpVersion.Version11;
        (await client.GetStringAsync("/v2/")).ShouldBe("HTTP/1.1 https");
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
#pragma warning disable SYSLIB0039, CA5397 // The old version is what the test is about.
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397
    public async Task Handshake_ByVersion_WorksFrom12On(SslProtocols version, bool works)
    {
        _files.Write("leaf");
        await using var host = await StartAsync();
        if (works)
            (await LeafNameAsync(host, version)).ShouldBe("CN=leaf");
        else
            await Should.ThrowAsync<Exception>(() => LeafNameAsync(host, version));
    }

    [Fact]
    public async Task Files_WhenReplaced_AreUsedForNewConnections()
    {
        _files.Write("first");
        await using var host = await StartAsync();
        (await LeafNameAsync(host)).ShouldBe("CN=first");
        _files.Write("second");
        _time.Advance(TimeSpan.FromSeconds(2));
        (await LeafNameAsync(host)).ShouldBe("CN=second");
    }

    [Fact]
    public async Task Files_WhenHalfReplaced_KeepTheOldPairUntilBothAreThere()
    {
        _files.Write("first");
        var logs = new CollectedLogs();
        await using var host = await StartAsync(logs);
        var (certificate, key) = _files.Create("second", rsa: false, DateTimeOffset.UtcNow.AddDays(90));
        await File.WriteAllTextAsync(_files.CertificatePath, certificate);
        for (var i = 0; i < 3; i++)
            _time.Advance(TimeSpan.FromSeconds(2));
        (await LeafNameAsync(host)).ShouldBe("CN=first");
        (await MetricAsync(host, "holdfast_tls_certificate_reload_failed")).ShouldBe(1);
        logs.Lines.Count(static line => line.Contains("not reloaded")).ShouldBe(1);

        await File.WriteAllTextAsync(_files.KeyPath, key);
        _time.Advance(TimeSpan.FromSeconds(2));
        (await LeafNameAsync(host)).ShouldBe("CN=second");
        (await MetricAsync(host, "holdfast_tls_certificate_reload_failed")).ShouldBe(0);
    }

    [Fact]
    public async Task Certificate_NearItsEnd_IsMeasuredAndWarnedOf()
    {
        var expiry = new DateTimeOffset(DateTimeOffset.UtcNow.Date, TimeSpan.Zero).AddDays(30);
        _files.Write("leaf", expiry: expiry);
        _time.Advance(expiry.AddDays(-15) - _time.GetUtcNow());
        var logs = new CollectedLogs();
        await using var host = await StartAsync(logs);
        (await MetricAsync(host, "holdfast_tls_certificate_expiry_timestamp_seconds")).ShouldBe(expiry.ToUnixTimeSeconds());
        logs.Lines.ShouldNotContain(static line => line.Contains("expire"));
        _time.Advance(TimeSpan.FromDays(2));
        logs.Lines.ShouldContain(static line => line.StartsWith("Warning") && line.Contains("expires"));
        _time.Advance(TimeSpan.FromDays(14));
        logs.Lines.ShouldContain(static line => line.StartsWith("Error") && line.Contains("expired"));
    }

    [Fact]
    public async Task Start_WithAnEncryptedKey_SaysSo()
    {
        _files.Write("leaf");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(
            _files.KeyPath,
            key.ExportEncryptedPkcs8PrivateKeyPem("x", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000)));
        (await Should.ThrowAsync<IOException>(() => StartAsync())).Message.ShouldContain("encrypted");
    }

    [Fact]
    public async Task Start_WithAForeignKeyOrNoFile_NamesTheFile()
    {
        _files.Write("leaf");
        await File.WriteAllTextAsync(_files.KeyPath, _files.Create("other", rsa: false, DateTimeOffset.UtcNow.AddDays(9)).KeyPem);
        (await Should.ThrowAsync<IOException>(() => StartAsync())).Message.ShouldContain(_files.KeyPath);
        File.Delete(_files.CertificatePath);
        (await Should.ThrowAsync<IOException>(() => StartAsync())).Message.ShouldContain(_files.CertificatePath);
    }

    public void Dispose() => _files.Dispose();

    private Task<HostUnderTest> StartAsync(CollectedLogs? logs = null) => HostUnderTest.StartAsync(
        static request => HostUnderTest.Answering($"{request.Context.Request.Protocol} {request.Context.Request.Scheme}")(request),
        options => options with
        {
            Listeners = [new ListenerOptions { Url = new Uri("https://127.0.0.1:0"), Registry = "main", Tls = _files.Options }],
        },
        logs,
        _time);

    private HttpClient TrustingClient(HostUnderTest host)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_files.Root);
        var handler = new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } };
        return new HttpClient(handler)
        {
            BaseAddress = host.Host.Addresses[0],
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    private async Task<string> LeafNameAsync(HostUnderTest host, SslProtocols version = SslProtocols.None)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(host.EndPoint);
        await using var tls = new SslStream(socket.GetStream());
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_files.Root);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            EnabledSslProtocols = version,
            CertificateChainPolicy = policy,
        });
        return tls.RemoteCertificate!.Subject;
    }

    private async Task<double> MetricAsync(HostUnderTest host, string name)
    {
        using var client = TrustingClient(host);
        var text = await client.GetStringAsync("/metrics");
        var line = Regex.Match(text, $"^{name}\\{{listener=\"https://127\\.0\\.0\\.1:0\"\\}} (.+)$", RegexOptions.Multiline);
        return double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture);
    }
}
