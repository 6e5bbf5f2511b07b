using System.Net;
using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public class RequestTests
{
    [Theory]
    [InlineData("/v2/a/b/manifests/latest?x=/v2/", "Manifest a/b latest")]
    [InlineData("http://elsewhere/v2/a/tags/list", "Tags a ")]
    [InlineData("/v2/%2e%2e/a/manifests/latest", "Manifest %2e%2e/a latest")]
    public async Task Get_AnyTarget_ReachesTheDispatcherUndecoded(string target, string route)
    {
        await using var host = await HostUnderTest.StartAsync(EchoRoute);
        var answer = await RawHttp.SendAsync(host.EndPoint, $"GET {target} HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n");
        answer.ShouldEndWith("\r\n\r\n" + route);
    }

    [Fact]
    public async Task Get_WithHarmlessRequestId_EchoesIt()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        (await IdForAsync(host, "build-7.42_a")).ShouldBe("build-7.42_a");
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("quote\"")]
    [InlineData("")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public async Task Get_WithOtherRequestId_GetsAnOwnOne(string offered)
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        var first = await IdForAsync(host, offered);
        first.Length.ShouldBe(14);
        first.Equals(await IdForAsync(host, offered), StringComparison.Ordinal).ShouldBeFalse();
    }

    [Fact]
    public async Task Get_WhenTheHandlerThrows_Is500WithTheRequestId()
    {
        await using var host = await HostUnderTest.StartAsync(static request =>
        {
            request.Context.Response.Headers["Docker-Content-Digest"] = "stale";
            throw new InvalidOperationException("secret");
        });
        using var response = await host.Client.GetAsync("/v2/");
        response.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        response.Headers.TryGetValues("Docker-Content-Digest", out _).ShouldBeFalse();
        var text = await response.Content.ReadAsStringAsync();
        text.ShouldNotContain("secret");
        using var body = JsonDocument.Parse(text);
        var error = body.RootElement.GetProperty("errors")[0];
        error.GetProperty("code").GetString().ShouldBe("UNKNOWN");
        error.GetProperty("detail").GetProperty("requestId").GetString().ShouldBe(response.Headers.GetValues("X-Request-Id").Single());
    }

    [Fact]
    [Promise("P4")]
    public async Task Get_WhenTheHandlerThrowsAfterTheFirstByte_CutsTheConnection()
    {
        await using var host = await HostUnderTest.StartAsync(static async request =>
        {
            await request.Context.Response.Body.WriteAsync(new byte[10]);
            await request.Context.Response.Body.FlushAsync();
            throw new InvalidOperationException();
        });
        await Should.ThrowAsync<HttpRequestException>(() => host.Client.GetByteArrayAsync("/v2/"));
    }

    [Fact]
    [Promise("P10")]
    public async Task Put_WhenTheStoreIsFull_Is507()
    {
        await using var host = await HostUnderTest.StartAsync(static _ => throw new StoreFullException("full", null));
        using var response = await host.Client.PutAsync("/v2/a/manifests/b", new StringContent("x"));
        response.StatusCode.ShouldBe(HttpStatusCode.InsufficientStorage);
    }

    [Fact]
    public async Task Put_WithATruncatedBody_IsNoErrorOfOurs()
    {
        var done = new TaskCompletionSource();
        await using var host = await HostUnderTest.StartAsync(async request =>
        {
            try
            {
                await request.Context.Request.Body.CopyToAsync(Stream.Null, request.Aborted);
            }
            finally
            {
                done.TrySetResult();
            }
        });
        await RawHttp.SendAsync(host.EndPoint, "PUT /v2/a/manifests/b HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", thenEnd: true);
        await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
        (await host.StopAndReadLogAsync()).ShouldNotContain(" 500 ");
    }

    [Theory]
    [InlineData("\0\u0001\u0002garbage\r\n\r\n")]
    [InlineData("GET /v2/ HTTP/9.9\r\nHost: x\r\n\r\n")]
    [InlineData("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]
    public async Task Garbage_OnAConnection_NeverReachesTheDispatcher(string bytes)
    {
        var reached = false;
        await using var host = await HostUnderTest.StartAsync(request =>
        {
            reached = true;
            return Task.CompletedTask;
        });
        (await RawHttp.SendAsync(host.EndPoint, bytes)).ShouldNotStartWith("HTTP/1.1 200");
        reached.ShouldBeFalse();
        (await host.Client.GetAsync("/healthz")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Readyz_WhenTheDatabaseFails_SaysWhichCheck()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        (await host.Client.GetAsync("/readyz")).StatusCode.ShouldBe(HttpStatusCode.OK);
        host.Database.Failure = new IOException("disk");
        using var response = await host.Client.GetAsync("/readyz");
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        body.RootElement.GetProperty("checks").GetProperty("metadata").GetString().ShouldBe("failed");
        body.RootElement.GetProperty("checks").GetProperty("blobs").GetString().ShouldBe("ok");
    }

    [Fact]
    public async Task Readyz_WhenTheBlobStoreHangs_AnswersInTimeAndAsksItOnce()
    {
        await using var host = await HostUnderTest.StartAsync(HostUnderTest.Answering(""));
        var asked = 0;
        var hang = new TaskCompletionSource<long?>();
        host.Blobs.FindSize = () =>
        {
            Interlocked.Increment(ref asked);
            return new ValueTask<long?>(hang.Task);
        };
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => host.Client.GetStringOrErrorAsync("/readyz")));
        answers.ShouldAllBe(static answer => answer.Contains("\"blobs\":\"timeout\""));
        asked.ShouldBe(1);
        hang.SetResult(null);
    }

    private static Task EchoRoute(RegistryRequest request) =>
        HostUnderTest.Answering($"{request.Route.Kind} {request.Route.Name} {request.Route.Last}")(request);

    private static async Task<string> IdForAsync(HostUnderTest host, string offered)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/");
        request.Headers.TryAddWithoutValidation("X-Request-Id", offered).ShouldBeTrue();
        using var response = await host.Client.SendAsync(request);
        return response.Headers.GetValues("X-Request-Id").Single();
    }
}
