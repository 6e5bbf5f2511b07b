using System.Net;
using System.Security.Cryptography;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class ServeStopTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task Signal_Idle_EndsWithZeroAndFreesTheFolder(string signal)
    {
        string[] arguments = ["--data", "idle" + signal, "--listen", "http://127.0.0.1:0"];
        await using (var server = await RunningServer.StartAsync(folder.Path, arguments))
        {
            server.Signal(signal);
            (await server.WaitForExitAsync()).ShouldBe(0);
            server.Errors.ShouldBeEmpty();
        }

        await using var next = await RunningServer.StartAsync(folder.Path, arguments);
        (await next.Client.GetAsync("/v2/")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Term_WhileAnUploadRuns_LetsItFinishAndRefusesNewOnes()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "upload", "--listen", "http://127.0.0.1:0"]);
        using var content = new HeldContent(4096);
        var upload = await StartUploadAsync(server, content);
        server.Signal("TERM");
        await server.WaitForDrainAsync();

        using (var refused = await server.Client.GetAsync("/v2/"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter.ShouldNotBeNull();
        }

        content.Release();
        using var done = await upload;
        done.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        done.Headers.GetValues("Range").ShouldBe(["0-4095"]);
        (await server.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Term_WhileAPullRuns_LetsItFinish()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "pull", "--listen", "http://127.0.0.1:0"]);
        // More than the sockets' buffers hold, so that the server is still sending when the signal comes.
        var blob = RandomNumberGenerator.GetBytes(48 << 20);
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(blob));
        using var body = new ByteArrayContent(blob);
        (await server.Client.PostAsync($"/v2/a/blobs/uploads/?digest={digest}", body)).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var pull = await server.Client.GetAsync($"/v2/a/blobs/{digest}", HttpCompletionOption.ResponseHeadersRead);
        pull.StatusCode.ShouldBe(HttpStatusCode.OK);

        server.Signal("TERM");
        await server.WaitForDrainAsync();
        (await pull.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(blob).ShouldBeTrue();
        (await server.WaitForExitAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public async Task Second_Signal_StopsAtOnce(string second, int exitCode)
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "second" + second, "--listen", "http://127.0.0.1:0"]);
        using var content = new HeldContent(4096);
        var upload = await StartUploadAsync(server, content);
        server.Signal("TERM");
        await server.WaitForDrainAsync();
        server.Signal(second);
        (await server.WaitForExitAsync()).ShouldBe(exitCode);
        content.Release();
        await Should.ThrowAsync<HttpRequestException>(() => upload);
    }

    [Fact]
    public async Task Term_TransferOutlastsTheDrain_IsCutAndEndsWithZero()
    {
        await using var server = await RunningServer.StartAsync(
            folder.Path, ["--data", "cut", "--listen", "http://127.0.0.1:0", "--set", "shutdown.drain=1s"]);
        using var content = new HeldContent(4096);
        var upload = await StartUploadAsync(server, content);
        server.Signal("TERM");
        (await server.WaitForExitAsync()).ShouldBe(0);
        content.Release();
        await Should.ThrowAsync<HttpRequestException>(() => upload);
    }

    // Returns when the server has the request's first half.
    private static async Task<Task<HttpResponseMessage>> StartUploadAsync(RunningServer server, HeldContent content)
    {
        Uri? session;
        using (var begun = await server.Client.PostAsync("/v2/a/blobs/uploads/", null))
        {
            begun.StatusCode.ShouldBe(HttpStatusCode.Accepted);
            session = begun.Headers.Location;
        }

        var upload = server.Client.PatchAsync(session, content);
        await content.HalfSent;
        while (!(await server.Client.GetStringAsync("/metrics")).Contains("holdfast_http_requests_in_flight 1\n", StringComparison.Ordinal))
            await Task.Delay(20);
        return upload;
    }

    /// <summary>A body whose second half waits until it is released.</summary>
    private sealed class HeldContent(int length) : HttpContent
    {
        private readonly TaskCompletionSource _half = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task HalfSent => _half.Task;

        public void Release() => _released.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[length / 2]);
            await stream.FlushAsync();
            _half.TrySetResult();
            await _released.Task;
            await stream.WriteAsync(new byte[length - (length / 2)]);
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
