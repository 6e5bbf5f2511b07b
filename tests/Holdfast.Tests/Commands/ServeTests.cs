using System.Net;
using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class ServeTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Free = "http://127.0.0.1:0";

    [Fact]
    public async Task Serve_WithoutAFile_SaysInOneLineWhereItIsAndAnswers()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "one", "--listen", Free]);
        server.Output.ShouldHaveSingleItem().ShouldEndWith(
            $" serves registry \"default\" on http://127.0.0.1:{server.Addresses[0].Port} (data: {Path.Combine(folder.Path, "one")})");
        server.Errors.ShouldBeEmpty();
        (await server.Client.GetAsync("/v2/")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.Client.GetAsync("/readyz")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Serve_SeveralListeners_AllServeTheirRegistry()
    {
        folder.Write("two.yaml", "data: two\nregistries: { a: { auth: none }, b: { auth: { htpasswd: users } } }\n");
        await using var server = await RunningServer.StartAsync(
            folder.Path, ["-c", "two.yaml", "--listen", "a=" + Free, "--listen", "b=" + Free, "--listen", "a=http://[::1]:0"], listeners: 3);
        var statuses = new List<HttpStatusCode>();
        foreach (var address in server.Addresses)
            statuses.Add((await server.Client.GetAsync(new Uri(address, "/v2/"))).StatusCode);
        statuses.ShouldBe([HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.OK]);
    }

    [Fact]
    public async Task Serve_Variables_ReachTheRunningServer()
    {
        await using var server = await RunningServer.StartAsync(
            folder.Path, ["--listen", Free], 1, ("HOLDFAST_DATA", "variables"), ("HOLDFAST_DISK_RESERVE", "123MiB"), ("HOLDFAST_LOG_ACCESS_ENABLED", "false"));
        Directory.Exists(Path.Combine(folder.Path, "variables", "blobs")).ShouldBeTrue();
        (await server.Client.GetStringAsync("/metrics")).ShouldContain("holdfast_disk_reserve_bytes 128974848\n");
        server.Signal("TERM");
        (await server.WaitForExitAsync()).ShouldBe(0);
        server.Output.Count.ShouldBe(1, "the access log is off");
    }

    [Fact]
    public async Task Serve_OpenBeyondLoopback_WarnsAtTheStart()
    {
        await using var server = await RunningServer.StartAsync(
            folder.Path, ["--data", "open", "--listen", "http://0.0.0.0:0", "--set", "registries.default.auth=none"]);
        await server.WaitForErrorAsync("serves registry default to everyone who can reach it: anyone may push and delete");
    }

    [Fact]
    public async Task Serve_ConsoleLog_HasALineForEachRequestOnStandardOutput()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "lines", "--listen", Free]);
        await server.Client.GetAsync("/v2/some/thing/tags/list");
        server.Signal("TERM");
        (await server.WaitForExitAsync()).ShouldBe(0);
        server.Output.ShouldContain(line => line.Contains(" default tags 404 NAME_UNKNOWN GET /v2/some/thing/tags/list ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Serve_JsonLog_IsOneObjectALineOnBothStreams()
    {
        await using var server = await RunningServer.StartAsync(
            folder.Path, ["--data", "json", "--listen", "http://0.0.0.0:0", "--set", "log.format=json", "--set", "registries.default.auth=none"]);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{server.Addresses[0].Port}/v2/a/tags/list?n=%22%0a");
        request.Headers.TryAddWithoutValidation("User-Agent", "a \"quoted\\ agent");
        await server.Client.SendAsync(request);
        server.Signal("TERM");
        (await server.WaitForExitAsync()).ShouldBe(0);

        var requests = server.Output.Select(Parse).Where(e => e.GetProperty("event").GetString() == "request").ToList();
        var logged = requests.ShouldHaveSingleItem();
        logged.GetProperty("path").GetString().ShouldBe("/v2/a/tags/list?n=%22%0a");
        logged.GetProperty("userAgent").GetString().ShouldBe("a \"quoted\\ agent");
        var events = server.Errors.Select(Parse).Select(e => e.GetProperty("Message").GetString()!).ToList();
        events.ShouldContain(message => message.Contains($"serves registry default on http://0.0.0.0:{server.Addresses[0].Port}", StringComparison.Ordinal));
        events.ShouldContain(message => message.Contains("anyone may push and delete", StringComparison.Ordinal));
    }

    private static JsonElement Parse(string line) => JsonSerializer.Deserialize<JsonElement>(line);
}
