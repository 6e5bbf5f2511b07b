using Holdfast.Oci;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>What people write for a registry, a repository or an image.</summary>
public class RegistryTargetTests
{
    private const string Hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("registry.example", "registry.example", null, "", "", false)]
    [InlineData("registry.example/", "registry.example", null, "", "", false)]
    [InlineData("127.0.0.1:5000", "127.0.0.1:5000", null, "", "", true)]
    [InlineData("localhost/app", "localhost", null, "app", "", true)]
    [InlineData("[::1]:5000/app:1", "[::1]:5000", null, "app", "1", true)]
    [InlineData("http://registry.example:80/team/app", "registry.example:80", "http", "team/app", "", false)]
    [InlineData("https://registry/app:v1", "registry", "https", "app", "v1", false)]
    [InlineData("docker://registry.example/app:v1", "registry.example", null, "app", "v1", false)]
    [InlineData("registry.example/a/b/c@" + Hash, "registry.example", null, "a/b/c", Hash, false)]
    [InlineData("registry.example/app:v1@" + Hash, "registry.example", null, "app", Hash, false)]
    [InlineData("docker.io/alpine:3", "docker.io", null, "library/alpine", "3", false)]
    [InlineData("docker.io/grafana/loki", "docker.io", null, "grafana/loki", "", false)]
    public void Target_WellWritten_IsTakenApart(string text, string host, string? scheme, string repository, string reference, bool isLoopback)
    {
        RegistryTarget.TryParse(text, out var target, out var problem).ShouldBeTrue(problem);

        target!.Host.ShouldBe(host);
        target.Scheme.ShouldBe(scheme);
        target.Repository.ToString().ShouldBe(repository);
        (target.Reference?.ToString() ?? "").ShouldBe(reference);
        target.IsLoopback.ShouldBe(isLoopback);
    }

    [Theory]
    [InlineData("http://ci:s3cret@registry.example/app", "http://***@registry.example/app")]
    [InlineData("ci:s3cret@registry.example/app@" + Hash, "***@registry.example/app@" + Hash)]
    [InlineData("http://ci:s/3@cret@registry.example", "http://***@registry.example")]
    [InlineData("registry.example/app@" + Hash, "registry.example/app@" + Hash)]
    [InlineData("@" + Hash, "@" + Hash)]
    [InlineData("./folder", "./folder")]
    public void WithoutUser_OfWhatSomebodyWrote_RepeatsNoPassword(string text, string expected) => RegistryTarget.WithoutUser(text).ShouldBe(expected);

    [Theory]
    [InlineData("alpine", "does not begin with a registry's host")]
    [InlineData("team/app:v1", "does not begin with a registry's host")]
    [InlineData("alpine:latest", "does not begin with a registry's host")]
    [InlineData("", "names no host")]
    [InlineData("/app", "names no host")]
    [InlineData("https://", "names no host")]
    [InlineData("registry.example/App", "lower-case")]
    [InlineData("registry.example/app:", "no tag")]
    [InlineData("registry.example/app:v1:v2", "no repository's name")]
    [InlineData("registry.example/app@sha256:short", "no digest")]
    [InlineData("user:secret@registry.example/app", "--user")]
    [InlineData("registry.example/../app", "no repository's name")]
    [InlineData("registry.example\n/app", "")]
    [InlineData("registry.example:99999/app", "names no host")]
    public void Target_BadlyWritten_IsRefusedWithAWayOut(string text, string said)
    {
        RegistryTarget.TryParse(text, out _, out var problem).ShouldBeFalse();

        problem!.ShouldContain(said);
        problem.ShouldNotContain("\n");
    }

    [Fact]
    public void Hub_ByAnyOfItsNames_IsAskedWhereItAnswers()
    {
        foreach (var name in new[] { "docker.io", "index.docker.io", "registry-1.docker.io" })
        {
            RegistryTarget.TryParse(name + "/library/alpine", out var target, out _).ShouldBeTrue();
            target!.AddressOver("https").ShouldBe(new Uri("https://registry-1.docker.io"));
            target.Repository.ShouldBe(RepositoryName.Parse("library/alpine"));
        }
    }
}
