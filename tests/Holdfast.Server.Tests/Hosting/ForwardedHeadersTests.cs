using System.Net;
using Holdfast.Server.Http;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public class ForwardedHeadersTests
{
    private static readonly IPNetwork[] Trusted = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8")];

    [Theory]
    [InlineData("127.0.0.1", "192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7")]
    [InlineData("127.0.0.1", "1.1.1.1, 192.0.2.7, 10.1.1.1", "192.0.2.7")]
    [InlineData("127.0.0.1", "192.0.2.7:4000", "192.0.2.7")]
    [InlineData("127.0.0.1", "[2001:db8::1]:4000", "2001:db8::1")]
    [InlineData("127.0.0.1", "1.1.1.1, nonsense", "127.0.0.1")]
    [InlineData("127.0.0.1", "", "127.0.0.1")]
    [InlineData("203.0.113.9", "192.0.2.7", "203.0.113.9")]
    public void Apply_For_TakesTheRightmostUntrustedAddress(string remote, string header, string expected) =>
        Apply(remote, ("X-Forwarded-For", header)).Connection.RemoteIpAddress!.ToString().ShouldBe(expected);

    [Theory]
    [InlineData("127.0.0.1", "https", "https")]
    [InlineData("127.0.0.1", "gopher", "http")]
    [InlineData("127.0.0.1", "https, http", "http")]
    [InlineData("203.0.113.9", "https", "http")]
    public void Apply_Proto_IsBelievedFromTrustedProxiesOnly(string remote, string header, string expected) =>
        Apply(remote, ("X-Forwarded-Proto", header)).Request.Scheme.ShouldBe(expected);

    [Fact]
    public void Apply_ProtoBehindTwoProxies_TakesTheOuterOnesEntry() =>
        Apply("127.0.0.1", ("X-Forwarded-For", "192.0.2.7, 10.0.0.1"), ("X-Forwarded-Proto", "https, http")).Request.Scheme.ShouldBe("https");

    [Theory]
    [InlineData("127.0.0.1", "registry.example:5050", "registry.example:5050")]
    [InlineData("127.0.0.1", "evil\"/path", "own")]
    [InlineData("203.0.113.9", "registry.example", "own")]
    public void Apply_Host_IsBelievedIfItIsOne(string remote, string header, string expected) =>
        Apply(remote, ("X-Forwarded-Host", header)).Request.Host.Value.ShouldBe(expected);

    private static DefaultHttpContext Apply(string remote, params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext { Request = { Scheme = "http", Host = new HostString("own") } };
        context.Connection.RemoteIpAddress = IPAddress.Parse(remote);
        foreach (var (name, value) in headers)
            context.Request.Headers[name] = value;
        new ForwardedHeaders(Trusted).Apply(context);
        return context;
    }
}
