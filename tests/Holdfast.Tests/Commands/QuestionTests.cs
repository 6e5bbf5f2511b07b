using System.Net;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>What can't be taken back is asked for at a terminal, and only a yes is one.</summary>
public sealed class QuestionTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    [Theory]
    [InlineData("y\r", true)]
    [InlineData("n\r", false)]
    [InlineData(HoldfastTerminal.End, false)]
    public async Task Purge_AtATerminal_TakesOnlyAYes(string keys, bool purges)
    {
        var data = "purge" + (int)keys[0];
        await using var server = await StartWithADeleteAsync(data);
        var (exitCode, screen) = await HoldfastTerminal.AnswerAsync(folder.Path, $"trash purge --all --data {data}", keys);
        screen.ShouldContain("2 things could never be restored. Purge? [y/N] ");
        screen.ShouldContain(purges ? "2 things purged" : "nothing was done");
        exitCode.ShouldBe(purges ? 0 : 1);
        await ShouldHoldAsync(data, purges ? "the trash is empty" : "app:v1");
    }

    [Theory]
    [InlineData("y\r", true)]
    [InlineData("n\r", false)]
    [InlineData(HoldfastTerminal.End, false)]
    public async Task GcEmergency_AtATerminal_TakesOnlyAYes(string keys, bool collects)
    {
        var data = "gc" + (int)keys[0];
        await using var server = await StartWithADeleteAsync(data);
        var (exitCode, screen) = await HoldfastTerminal.AnswerAsync(folder.Path, $"gc run --emergency --data {data}", keys);
        screen.ShouldContain("What was deleted can't be restored afterwards. Go on? [y/N] ");
        screen.ShouldContain(collects ? "out of the trash: 1 manifest, 1 tag, " : "nothing was done");
        exitCode.ShouldBe(collects ? 0 : 1);
        await ShouldHoldAsync(data, collects ? "the trash is empty" : "app:v1");
    }

    private async Task ShouldHoldAsync(string data, string expected) =>
        (await HoldfastProcess.RunAsync(folder.Path, ["trash", "list", "--data", data])).Output.ShouldContain(expected);

    private async Task<RunningServer> StartWithADeleteAsync(string data)
    {
        var server = await RunningServer.StartAsync(folder.Path, ["--data", data, "--listen", "http://127.0.0.1:0"]);
        var config = DigestOf("{}");
        using var blob = await server.Client.PostAsync($"/v2/app/blobs/uploads/?digest={config}", new ByteArrayContent("{}"u8.ToArray()));
        blob.StatusCode.ShouldBe(HttpStatusCode.Created);
        var manifest = $$"""{"schemaVersion":2,"mediaType":"{{ManifestType}}","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{config}}","size":2},"layers":[]}""";
        using var put = await server.Client.PutAsync("/v2/app/manifests/v1", new StringContent(manifest, new System.Net.Http.Headers.MediaTypeHeaderValue(ManifestType)));
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var deleted = await server.Client.DeleteAsync($"/v2/app/manifests/{DigestOf(manifest)}");
        deleted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return server;
    }

    private static string DigestOf(string text) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
