using System.Net;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Storage.Blobs;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Admin;

public class AdminStreamTests
{
    private const string Path = "/api/v1/work";

    [Fact]
    public async Task Stream_ProgressThenResult_AreLines()
    {
        var seen = new TaskCompletionSource();
        await using var host = await StartAsync(async (stream, _) =>
        {
            await stream.ReportAsync(new AdminProgress("hashing", 1, 3, "blobs"));
            await seen.Task;
            return new Outcome(3);
        });
        using var response = await host.BeginAsync(Path);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe("application/x-ndjson");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        (await lines.ReadLineAsync()).ShouldBe("{\"progress\":{\"step\":\"hashing\",\"done\":1,\"total\":3,\"unit\":\"blobs\"}}");
        seen.SetResult();
        (await lines.ReadToEndAsync()).ShouldBe("{\"result\":{\"hashed\":3}}\n");
    }

    [Fact]
    public async Task Report_ManyTimesAtOnce_WritesFew()
    {
        await using var host = await StartAsync(static async (stream, _) =>
        {
            for (var i = 0; i < 100_000; i++)
                await stream.ReportAsync(new AdminProgress("hashing", i, null, "blobs"));
            await stream.ReportAsync(new AdminProgress("sweeping", 0, null, "files"));
            return new Outcome(0);
        });
        var lines = (await host.PostAsync(Path, "")).Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBeInRange(3, 1000);
        lines[^2].ShouldContain("sweeping");
    }

    [Fact]
    public async Task Stream_WorkThatFails_EndsWithTheError()
    {
        using var logs = new CollectedLogs();
        var faults = new Queue<Exception>(
            [new AdminException(Http.Outcome.AdminConflict, "the tag moved on"), new StoreFullException("full", null), new InvalidOperationException("secret")]);
        await using var host = await StartAsync((_, _) => throw faults.Dequeue(), logs);
        (await host.PostAsync(Path, "")).Body.ShouldBe("{\"error\":{\"code\":\"CONFLICT\",\"message\":\"the tag moved on\"}}\n");
        (await host.PostAsync(Path, "")).Body.ShouldContain("{\"error\":{\"code\":\"INSUFFICIENT_STORAGE\"");
        var unexpected = (await host.PostAsync(Path, "")).Body;
        unexpected.ShouldContain("{\"error\":{\"code\":\"UNKNOWN\"");
        unexpected.ShouldNotContain("secret");
        (await host.Host.StopAndReadLogAsync()).ShouldContain(" CONFLICT POST ");
    }

    [Fact]
    public async Task Handler_ThrowsBeforeItAnswers_AnswersItsStatus()
    {
        await using var host = await AdminHost.StartAsync(static table => table.Map(
            "POST", Path, static _ => throw new AdminException(Http.Outcome.AdminNotFound, "no incident 7")));
        var (status, body) = await host.PostAsync(Path, "");
        status.ShouldBe(HttpStatusCode.NotFound);
        body.ShouldStartWith("{\"errors\":[{\"code\":\"NOT_FOUND\",\"message\":\"no incident 7\",\"detail\":{\"requestId\":");
    }

    [Fact]
    public async Task Stream_ClientLeaves_CancelsTheWork()
    {
        var cancelled = new TaskCompletionSource();
        await using var host = await StartAsync(async (_, token) =>
        {
            await using var _1 = token.Register(cancelled.SetResult);
            await Task.Delay(Timeout.Infinite, token);
            return new Outcome(0);
        });
        using (await host.BeginAsync(Path))
        {
            // Left without reading the rest.
        }
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Stop_WhileWorkRuns_EndsItAndSaysSo()
    {
        await using var host = await StartAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return new Outcome(0);
        });
        using var response = await host.BeginAsync(Path);
        var stopped = host.Host.Host.StopAsync();
        (await response.Content.ReadAsStringAsync()).ShouldStartWith("{\"error\":{\"code\":\"UNAVAILABLE\"");
        await stopped.WaitAsync(TimeSpan.FromSeconds(20));
        File.Exists(host.Socket).ShouldBeFalse();
    }

    private static Task<AdminHost> StartAsync(Func<AdminStream, CancellationToken, Task<Outcome>> work, CollectedLogs? logs = null) =>
        AdminHost.StartAsync(table => table.Map("POST", Path, request => request.StreamAsync(work)), null, logs);

    private sealed record Outcome(int Hashed);
}
