using System.Net;
using System.Text.RegularExpressions;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary><c>holdfast serve</c> looks at itself through its own front door.</summary>
public sealed class SelfProbeTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Packed = "YWxpY2U6czNjcmV0OndvcmQ="; // alice:s3cret:word

    [Fact]
    public async Task Serve_WithUsersAndWithout_ChecksEachRegistryAndTellsPrometheus()
    {
        await using var server = await StartAsync("two", "");
        await SmallImage.PushAsync(server, "team/app", "v1");
        using var open = new HttpClient { BaseAddress = new UriBuilder(server.Addresses[1]) { Host = "127.0.0.1" }.Uri };

        var metrics = await WaitForAsync(server, "registry_manifest_integrity_tags_checked{instance=\"closed\"} 1\n");

        metrics.ShouldContain("registry_manifest_integrity_failures{instance=\"closed\"} 0\n");
        metrics.ShouldContain("registry_manifest_integrity_catalog_accessible{instance=\"closed\"} 1\n");
        metrics = await WaitForAsync(server, "registry_manifest_integrity_catalog_accessible{instance=\"open\"} 1\n"); // It has nothing, and knows it.
        metrics.ShouldNotContain("team/app");
        server.Output.Concat(server.Errors).ShouldAllBe(line => !line.Contains("_catalog", StringComparison.Ordinal));
        (await open.GetAsync(new Uri("/v2/_catalog", UriKind.Relative))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Promise("P8")]
    public async Task Serve_WithADamagedBlob_OpensAnIncidentAndEndsItWhenTheTagIsWhole()
    {
        await using var server = await StartAsync("damaged", ", read: true");
        await SmallImage.PushAsync(server, "team/app", "v1");
        var config = System.Text.Encoding.UTF8.GetBytes("{\"config\":\"v1 0\"}");
        var hex = SmallImage.DigestOf(config)["sha256:".Length..];
        File.Delete(Path.Combine(folder.Path, "self-damaged", "blobs", "sha256", hex[..2], hex));

        await WaitForAsync(server, "registry_manifest_integrity_failures{instance=\"closed\"} 1\n");
        await server.WaitForErrorAsync("team/app:v1 can't be pulled");
        await WaitForAsync(server, "holdfast_incidents_open{kind=\"unpullable\"} 1\n");

        await SmallImage.PushAsync(server, "team/app", "v1");

        await WaitForAsync(server, "holdfast_incidents_open{kind=\"unpullable\"} 0\n");
        server.Output.Concat(server.Errors).Count(line => line.Contains("opened: unpullable closed team/app:v1", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Serve_StartedAgainAfterTheTagWasDeleted_EndsTheIncidentOfTheProcessBefore()
    {
        var config = System.Text.Encoding.UTF8.GetBytes("{\"config\":\"v1 0\"}");
        var hex = SmallImage.DigestOf(config)["sha256:".Length..];
        await using (var first = await StartAsync("again", ", read: true"))
        {
            await SmallImage.PushAsync(first, "team/app", "v1");
            File.Delete(Path.Combine(folder.Path, "self-again", "blobs", "sha256", hex[..2], hex));
            await WaitForAsync(first, "holdfast_incidents_open{kind=\"unpullable\"} 1\n");
            (await first.Client.DeleteAsync(new Uri("/v2/team/app/manifests/v1", UriKind.Relative))).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        }

        await using var second = await StartAsync("again", ", read: true");

        await WaitForAsync(second, "holdfast_incidents_open{kind=\"unpullable\"} 0\n");
    }

    [Fact]
    public async Task Serve_ToSomebodyWithAnotherSecret_GivesNothing()
    {
        await using var server = await StartAsync("secret", "");
        using var stranger = new HttpClient { BaseAddress = server.Addresses[0] };
        stranger.DefaultRequestHeaders.Authorization = new("Bearer", "self-" + new string('0', 64));

        (await stranger.GetAsync(new Uri("/v2/_catalog", UriKind.Relative))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Serve_WithTheProbeTurnedOff_HasNoneOfItsMetrics()
    {
        await using var server = await StartAsync("off", ", enabled: false");
        await Task.Delay(1_500);

        (await MetricsAsync(server)).ShouldNotContain("registry_manifest_integrity");
    }

    private async Task<RunningServer> StartAsync(string name, string probe)
    {
        folder.Write("self-users", "alice:$2b$04$YgTex4O2w0KsC.Wog3GL.eRFJYGRONy7BdeM18M9pnRS4qUmTHndK\n");
        folder.Write($"self-{name}.yaml", $$"""
            data: self-{{name}}
            listeners:
              - { url: "http://127.0.0.1:0", registry: closed }
              - { url: "http://0.0.0.0:0", registry: open }
            registries:
              closed: { auth: { htpasswd: self-users } }
              open: { auth: none }
            probe: { interval: 1s{{probe}} }
            """);
        var server = await RunningServer.StartAsync(folder.Path, ["--config", $"self-{name}.yaml"], listeners: 2);
        server.Client.DefaultRequestHeaders.Authorization = new("Basic", Packed);
        return server;
    }

    private static async Task<string> WaitForAsync(RunningServer server, string line)
    {
        for (var tries = 0; tries < 300; tries++)
        {
            var metrics = await MetricsAsync(server);
            if (metrics.Contains(line, StringComparison.Ordinal))
                return metrics;
            await Task.Delay(100);
        }
        throw new TimeoutException($"waited in vain for {line}; there is\n{string.Join('\n', Regex.Matches(await MetricsAsync(server), "registry_manifest.*").Select(match => match.Value))}");
    }

    private static Task<string> MetricsAsync(RunningServer server) => server.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
}
