using Holdfast.Configuration;
using Holdfast.Registry2;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

public sealed class ListenerTests : IDisposable
{
    private readonly OldRegistry _old = new();

    public void Dispose() => _old.Dispose();

    [Theory]
    [InlineData(":5000", "http://[::]:5000")]
    [InlineData("0.0.0.0:5050", "http://0.0.0.0:5050")]
    [InlineData("localhost:5000", "http://localhost:5000")]
    [InlineData("127.0.0.1:5000", "http://127.0.0.1:5000")]
    [InlineData("[::1]:5000", "http://[::1]:5000")]
    [InlineData("[::]:443", "http://[::]:443")]
    public void Address_OfTheOldRegistry_IsTheListeners(string addr, string url)
    {
        var result = Move($"addr: \"{addr}\"");
        OldRegistry.Remark(result, "http.addr").Verdict.ShouldBe(Verdict.Taken);
        var loaded = _old.Load(result);
        loaded.Problems.ShouldBeEmpty();
        loaded.Configuration!.Server.Listeners.Single().Url.ShouldBe(new Uri(url));
    }

    [Fact]
    public void Address_WithoutQuotes_IsReadAsItIsUsuallyWritten()
    {
        var result = _old.Move("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /srv\nhttp:\n  addr: :5000\n");
        result.Configuration.ShouldNotBeNull(OldRegistry.Text(result)).ShouldContain("http://[::]:5000");
    }

    [Theory]
    [InlineData("addr: 'registry.lan:5000'", "http.addr")]
    [InlineData("net: unix, addr: /run/registry.sock", "http.net")]
    [InlineData("secret: x", "http.addr")]
    public void Address_ThatCantBeTaken_IsLoopbackAndTold(string http, string key)
    {
        var result = Move(http);
        OldRegistry.Remark(result, key).Verdict.ShouldBe(Verdict.NotHere);
        _old.Load(result).Configuration!.Server.Listeners.Single().Url.ShouldBe(new Uri("http://127.0.0.1:5000"));
    }

    [Theory]
    [InlineData("addr: 5000")]
    [InlineData("addr: 'x:http'")]
    [InlineData("addr: ':99999'")]
    [InlineData("addr: [a]")]
    [InlineData("net: carrier-pigeon, addr: ':5000'")]
    [InlineData("addr: ':5000', tls: { certificate: /c.pem }")]
    [InlineData("addr: ':5000', tls: { minimumtls: ssl3 }")]
    public void Address_ThatTheOldRegistryWouldntStartWith_IsWrong(string http)
    {
        var result = Move(http);
        result.Configuration.ShouldBeNull();
        result.Files.Single().Remarks.ShouldContain(remark => remark.Verdict == Verdict.Wrong);
    }

    [Fact]
    public void Listen_GivenByTheUser_WinsOverTheFile()
    {
        ListenerAddress.Parse("http://10.0.0.1:5010", out var address);
        var result = _old.Move(OldRegistry.Base, request => request with { Listen = [new OfRegistry<ListenerAddress>(null, address!)] });
        result.Configuration.ShouldNotBeNull().ShouldContain("http://10.0.0.1:5010");
    }

    [Fact]
    public void Certificate_AndItsKey_AreTheListeners()
    {
        using var folder = new Configuration.ConfigurationFolder();
        var result = Move($"addr: ':5050', tls: {{ certificate: {folder.Path}/tls.pem, key: {folder.Path}/tls.key, minimumtls: tls1.2 }}");
        var loaded = _old.Load(result);
        loaded.Problems.ShouldBeEmpty();
        loaded.Configuration!.Server.Listeners.Single().Tls!.CertificateFile.ShouldBe($"{folder.Path}/tls.pem");
    }

    [Fact]
    public void LetsEncrypt_StaysHttpsAndAsksForFiles()
    {
        var result = Move("addr: ':443', tls: { letsencrypt: { cachefile: /c, email: a@b.example, hosts: [registry.example] } }");
        OldRegistry.Remark(result, "http.tls.letsencrypt.hosts").Verdict.ShouldBe(Verdict.NotHere);
        result.Configuration.ShouldNotBeNull().ShouldContain("https://[::]:443");
        _old.Load(result).Problems.Select(problem => problem.Key).ShouldContain("listeners[0].tls.certificate");
    }

    private MoveResult Move(string http) => _old.Move($"version: 0.1\nstorage: {{ filesystem: {{ }} }}\nhttp: {{ {http} }}");
}
