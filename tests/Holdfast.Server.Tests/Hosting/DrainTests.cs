using System.Net;
using System.Text.Json;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public class DrainTests
{
    [Fact]
    public async Task Stop_WhileARequestRuns_LetsItFinishAndRefusesNewOnes()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var host = await HostUnderTest.StartAsync(async request =>
        {
            entered.TrySetResult();
            await release.Task;
            await HostUnderTest.Answering("whole")(request);
        });
        var running = host.Client.GetStringAsync("/v2/a/blobs/x");
        await entered.Task;
        var stopping = host.Host.StopAsync();

        using (var refused = await host.Client.GetAsync("/v2/"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter.ShouldNotBeNull();
            refused.Headers.ConnectionClose.ShouldBe(true);
            using var body = JsonDocument.Parse(await refused.Content.ReadAsStringAsync());
            body.RootElement.GetProperty("errors")[0].GetProperty("code").GetString().ShouldBe("UNAVAILABLE");
        }

        (await host.Client.GetAsync("/healthz")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await host.Client.GetAsync("/readyz")).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await host.Client.GetStringAsync("/metrics")).ShouldContain("holdfast_http_requests_in_flight 1\n");
        stopping.IsCompleted.ShouldBeFalse();

        release.SetResult();
        (await running).ShouldBe("whole");
        await stopping.WaitAsync(TimeSpan.FromSeconds(20));
        await Should.ThrowAsync<HttpRequestException>(() => host.Client.GetAsync("/healthz"));
    }

    [Fact]
    public async Task Stop_WhenARequestOutlastsTheDrain_CutsIt()
    {
        var entered = new TaskCompletionSource();
        await using var host = await HostUnderTest.StartAsync(
            async request =>
            {
                entered.TrySetResult();
                await Task.Delay(Timeout.Infinite, request.Aborted);
            },
            static options => options with { DrainTimeout = TimeSpan.FromMilliseconds(200) });
        var running = host.Client.GetAsync("/v2/");
        await entered.Task;
        await host.Host.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));
        await Should.ThrowAsync<HttpRequestException>(() => running);
    }

    [Fact]
    public async Task Stop_CalledTwice_WaitsForTheSameEnd()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        await Task.WhenAll(host.Host.StopAsync(), host.Host.StopAsync()).WaitAsync(TimeSpan.FromSeconds(20));
    }
}
