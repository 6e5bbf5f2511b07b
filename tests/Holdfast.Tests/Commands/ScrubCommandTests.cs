using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class ScrubCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Scrub_RunningServer_TellsAndEndsWithFindingsOrWithout()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "data", "--listen", "http://127.0.0.1:0"]);
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["scrub", "run", "--data", "data"]);
        errors.ShouldBeEmpty();
        output.ShouldStartWith("0 blobs and manifests, 0 B, in ");
        exitCode.ShouldBe(0);

        (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["scrub", "status", "--data", "data", "--json"]);
        exitCode.ShouldBe(0);
        using var json = JsonDocument.Parse(output);
        json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(["sweep", "walk", "unknownFiles", "openFindings"]);

        (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["scrub", "run", "--data", "data", "--repository", "no/such"]);
        exitCode.ShouldBe(2);
        errors.ShouldContain("has no repository 'no/such'");
        (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["scrub", "run", "--data", "data", "--rate", "100MiB"]);
        exitCode.ShouldBe(2);
        errors.ShouldContain("--rate: '100MiB' is a size, not a rate; write 100MiB/s");
    }

    [Fact]
    public async Task Scrub_Damage_IsExitCodeOne()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "damaged", "--listen", "http://127.0.0.1:0"]);
        const string Digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        using var pushed = await server.Client.PostAsync(new Uri(server.Addresses[0], $"/v2/app/blobs/uploads/?digest={Digest}"), new StringContent("hello"));
        File.Delete(Path.Combine(folder.Path, "damaged/blobs/sha256/2c", Digest[7..]));
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["scrub", "run", "--data", "damaged"]);
        output.ShouldContain($"missing    {Digest}");
        exitCode.ShouldBe(1);
        (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["scrub", "status", "--data", "damaged"]);
        output.ShouldContain("open findings: 1");
        exitCode.ShouldBe(1);
    }
}
