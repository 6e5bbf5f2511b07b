using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

public class ClientOptionsTests
{
    [Theory]
    [InlineData("ftp://registry.example")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://user:hidden@registry.example")]
    [InlineData("https://registry.example/?x=1")]
    [InlineData("https://registry.example/#x")]
    [InlineData("https://registry.example/Upper_/")]
    [InlineData("https://registry.example/a//b")]
    public void Client_OfAnAddressThatIsNone_IsRefused(string address) =>
        Should.Throw<ArgumentException>(() => new RegistryClient(new RegistryClientOptions { Registry = new Uri(address) })).Message.ShouldNotContain("hidden");

    [Fact]
    public void Client_OfAUserWithAColon_IsRefused() =>
        Should.Throw<ArgumentException>(() => new RegistryClient(new RegistryClientOptions { Registry = new Uri("http://localhost"), Username = "a:b" }));

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void Client_WithATrustFileWithoutACertificate_IsRefused(string text)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, text);

        Should.Throw<InvalidDataException>(() => Samples.Client(new Uri("https://localhost"), trustFile: file)).Message.ShouldContain(file);
        File.Delete(file);
    }

    [Fact]
    public void Client_WithATrustFileThatIsAway_IsRefused() =>
        Should.Throw<IOException>(() => Samples.Client(new Uri("https://localhost"), trustFile: "/nowhere/ca.pem"));
}
