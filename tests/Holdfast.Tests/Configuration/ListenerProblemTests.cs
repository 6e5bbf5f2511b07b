using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class ListenerProblemTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Url = "h.yaml:2: listeners[0].url: ";

    public static TheoryData<string, string> Urls => new()
    {
        { "127.0.0.1:5000", "'127.0.0.1:5000' does not begin with http:// or https://; write http://127.0.0.1:5000" },
        { "localhost", "'localhost' does not begin with http:// or https://; write http://localhost:5000" },
        { ":5050", "':5050' does not begin with http:// or https://; write http://127.0.0.1:5050" },
        { "registry.example:5000", "'registry.example:5000' does not begin with http:// or https://; write for example http://127.0.0.1:5000" },
        { "ftp://127.0.0.1:5000", "'ftp://127.0.0.1:5000' does not begin with http:// or https://; write for example http://127.0.0.1:5000" },
        { "http://127.0.0.1:5000/x", "'http://127.0.0.1:5000/x' has a path; a listener serves whole addresses: end it after the port" },
        { "http://127.0.0.1:5000?ns=x", "'http://127.0.0.1:5000?ns=x' has a query; end it after the port" },
        { "http://me:pw@127.0.0.1:5000", "a listener's URL has no user in it; users stand in the registry's htpasswd file" },
        { "http://127.0.0.1", "'http://127.0.0.1' has no port; write for example http://127.0.0.1:5000" },
        { "http://[::1]", "'http://[::1]' has no port; write for example http://[::1]:5000" },
        { "http://127.0.0.1:65536", "'65536' is not a port; write 1 to 65535, or 0 for a free one" },
        { "http://127.0.0.1:-1", "'-1' is not a port; write 1 to 65535, or 0 for a free one" },
        { "http://127.0.0.1:", "'' is not a port; write 1 to 65535, or 0 for a free one" },
        { "http://registry.example:5000", "'registry.example' is not an IP address or localhost; names are not looked up: 0.0.0.0 is every IPv4 address, [::] every address" },
        { "http://127.1:5000", "'127.1' is not an IP address or localhost; names are not looked up: 0.0.0.0 is every IPv4 address, [::] every address" },
        { "http://*:5000", "'*' is not an IP address or localhost; names are not looked up: 0.0.0.0 is every IPv4 address, [::] every address" },
        { "http://localhost:0", "localhost is two addresses, which can't share a free port; write 127.0.0.1:0" },
    };

    public static TheoryData<string, string[]> Lists => new()
    {
        { "listeners: []", ["h.yaml:1: listeners: is empty; nothing would be served"] },
        { "listeners:", ["h.yaml:1: listeners: is empty; nothing would be served"] },
        { "listeners: http://127.0.0.1:1", ["h.yaml:1: listeners: wants a list; write [http://127.0.0.1:1]"] },
        { "listeners: { url: http://127.0.0.1:1 }", ["h.yaml:1: listeners: wants a list; begin each item with a dash"] },
        { "listeners:\n  - registry: default", ["h.yaml:2: listeners[0].url: missing; write for example http://127.0.0.1:5000"] },
        {
            "listeners:\n  - url: http://127.0.0.1:1\n  - url: http://127.0.0.1:1",
            ["h.yaml:3: listeners[1].url: port 1 is taken by the listener http://127.0.0.1:1 at h.yaml:2"]
        },
        {
            "registries: { a: { auth: none } }\nlisteners:\n  - url: http://0.0.0.0:1\n  - url: http://127.0.0.1:1",
            ["h.yaml:4: listeners[1].url: port 1 is taken by the listener http://0.0.0.0:1 at h.yaml:3"]
        },
        {
            "listeners:\n  - url: http://localhost:1\n  - url: http://[::1]:1",
            ["h.yaml:3: listeners[1].url: port 1 is taken by the listener http://localhost:1 at h.yaml:2"]
        },
        {
            "listeners:\n  - { url: http://127.0.0.1:1, registry: privat }\nregistries:\n  private:",
            ["h.yaml:2: listeners[0].registry: no registry 'privat'; did you mean private?"]
        },
        {
            "listeners:\n  - { url: http://127.0.0.1:1, registry: xyz }\nregistries:\n  private:",
            ["h.yaml:2: listeners[0].registry: no registry 'xyz'; known are private"]
        },
        {
            "listeners:\n  - { url: http://127.0.0.1:1, registry: \"*\" }",
            ["h.yaml:2: listeners[0].registry: \"*\" serves every cache, and there is none; name a registry, or make one of the kind cache"]
        },
        {
            "listeners:\n  - { url: http://127.0.0.1:1, registry: a }\nregistries:\n  a:\n  b:",
            ["h.yaml:5: registries.b: no listener serves it; add a listener with `registry: b`, or remove it"]
        },
        {
            "listeners:\n  - { url: http://127.0.0.1:1 }\nregistries:\n  a:\n  b:",
            ["h.yaml:2: listeners[0].registry: missing; name one of a, b"]
        },
        { "registries:\n  a:\n  b:", ["h.yaml:1: listeners: missing; with several registries, give one listener for each of a, b"] },
        { "registries:\n  A_b:", ["h.yaml:2: registries.A_b: 'A_b' is not a registry name; use 1 to 64 of a-z, 0-9 and -"] },
        { "registries:", ["h.yaml:1: registries: is empty; name at least one, or remove the key"] },
        {
            "listeners:\n  - url: http://0.0.0.0:1",
            ["h.yaml:2: listeners[0].url: http://0.0.0.0:1 is reachable by others, and registry default has no users; write `auth: none` under registries.default to serve it open to everyone, or give an htpasswd"]
        },
        { "listeners:\n  - url: https://127.0.0.1:1", ["h.yaml:2: listeners[0].tls: missing; https needs tls: { certificate: …, key: … }"] },
        {
            "listeners:\n  - url: http://127.0.0.1:1\n    tls: { certificate: tls.pem, key: tls.key }",
            ["h.yaml:3: listeners[0].tls: given for http://127.0.0.1:1; write https://, or remove tls"]
        },
        {
            "listeners:\n  - url: https://127.0.0.1:1\n    tls:\n      certificate: nope.pem\n      key: tls.key",
            ["h.yaml:4: listeners[0].tls.certificate: no file '{folder}/nope.pem'"]
        },
        {
            "listeners:\n  - url: https://127.0.0.1:1\n    tls: { certificate: tls.pem }",
            ["h.yaml:3: listeners[0].tls.key: missing; TLS needs a certificate and its key"]
        },
        { "listeners:\n  - url: https://127.0.0.1:1\n    tls:", ["h.yaml:3: listeners[0].tls: is empty; needs certificate and key"] },
    };

    [Theory]
    [MemberData(nameof(Urls))]
    [Promise("P9")]
    public void Load_BadListenerUrl_SaysWhatToWrite(string url, string text)
    {
        var result = folder.Load($"listeners:\n  - url: \"{url}\"\n");
        ConfigurationFolder.Lines(result).ShouldBe([Url + text]);
        result.Configuration.ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(Lists))]
    [Promise("P9")]
    public void Load_BadListeners_OnePreciseLine(string yaml, string[] lines)
    {
        var result = folder.Load(yaml);
        ConfigurationFolder.Lines(result).ShouldBe(lines.Select(l => l.Replace("{folder}", folder.Path, StringComparison.Ordinal)));
        result.Configuration.ShouldBeNull();
    }

    [Theory]
    [InlineData("tls.pem", "other.key")]
    [InlineData("users", "tls.key")]
    [InlineData("tls.pem", "users")]
    [Promise("P9")]
    public void Load_CertificateAndKeyThatDoNotFit_IsAProblem(string certificate, string key)
    {
        var result = folder.Load($"listeners:\n  - url: https://127.0.0.1:1\n    tls: {{ certificate: {certificate}, key: {key} }}\n");
        ConfigurationFolder.Lines(result).ShouldHaveSingleItem().ShouldStartWith("h.yaml:3: listeners[0].tls: certificate and key can't be used together: ");
        result.Configuration.ShouldBeNull();
    }

    [Fact]
    public void Load_ExpiredCertificate_IsAFindingThatLetsItStart()
    {
        var result = folder.Load("listeners:\n  - url: https://127.0.0.1:1\n    tls: { certificate: old.pem, key: old.key }\n");
        ConfigurationFolder.Lines(result).ShouldHaveSingleItem().ShouldStartWith("h.yaml:3: listeners[0].tls.certificate: expired on ");
        result.Configuration.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("http://127.0.0.1:5000", "http://127.0.0.1:5000")]
    [InlineData("http://127.0.0.1:0/", "http://127.0.0.1:0")]
    [InlineData("http://localhost:5000", "http://localhost:5000")]
    [InlineData("http://[::1]:5000", "http://[::1]:5000")]
    [InlineData("http://127.0.0.2:80", "http://127.0.0.2:80")]
    public void Load_GoodListenerUrl_IsTaken(string url, string expected)
    {
        var result = folder.Load($"listeners:\n  - url: \"{url}\"\n");
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.Server.Listeners.ShouldHaveSingleItem().Url.OriginalString.ShouldBe(expected);
    }
}
