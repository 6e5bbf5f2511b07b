using System.Net;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public class RequestTests
{
    [Fact]
    public async Task Get_AnyPath_BringsTheRawTargetToTheDispatcher()
    {
        await using var host = await HostUnderTest.StartAsync(request => HostUnderTest.Answering($"{request.Route.Kind} {request.Route.Name} {request.Route.Last}")(request));
        (await host.Client.GetStringAsync("/v2/a/b/manifests/latest?x=/v2/")).ShouldBe("Manifest a/b latest");
    }

    [Fact]
    public async Task Healthz_WhileRunning_Is200()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        using var response = await host.Client.GetAsync("/healthz");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
