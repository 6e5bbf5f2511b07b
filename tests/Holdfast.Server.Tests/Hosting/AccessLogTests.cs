using System.Net.Http.Headers;
using System.Text.Json;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosting;

public class AccessLogTests
{
    [Fact]
    public async Task Json_OfAPut_TellsEverything()
    {
        await using var host = await StartAsync(static request =>
        {
            request.Context.Response.StatusCode = 404;
            request.ErrorCode = "NAME_UNKNOWN";
            return EchoLengthAsync(request);
        }, json: true);
        using var put = new HttpRequestMessage(HttpMethod.Put, "/v2/a/b/manifests/latest?x=1") { Content = new StringContent("12345") };
        put.Headers.UserAgent.Add(new ProductInfoHeaderValue("docker", "27"));
        put.Headers.Add("X-Request-Id", "me-1");
        (await host.Client.SendAsync(put)).Dispose();

        using var line = JsonDocument.Parse((await host.StopAndReadLogAsync()).TrimEnd('\n'));
        var root = line.RootElement;
        root.GetProperty("id").GetString().ShouldBe("me-1");
        root.GetProperty("method").GetString().ShouldBe("PUT");
        root.GetProperty("path").GetString().ShouldBe("/v2/a/b/manifests/latest?x=1");
        root.GetProperty("route").GetString().ShouldBe("manifest");
        root.GetProperty("repository").GetString().ShouldBe("a/b");
        root.GetProperty("registry").GetString().ShouldBe("main");
        root.GetProperty("status").GetInt32().ShouldBe(404);
        root.GetProperty("code").GetString().ShouldBe("NAME_UNKNOWN");
        root.GetProperty("bytesIn").GetInt64().ShouldBe(5);
        root.GetProperty("bytesOut").GetInt64().ShouldBe(3);
        root.GetProperty("remote").GetString().ShouldBe("127.0.0.1");
        root.GetProperty("userAgent").GetString().ShouldBe("docker/27");
        root.GetProperty("user").ValueKind.ShouldBe(JsonValueKind.Null);
        root.GetProperty("time").GetDateTimeOffset().ShouldBeInRange(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HostileText_OfAClient_StaysOneLine(bool json)
    {
        await using var host = await StartAsync(HostUnderTest.Answering(""), json);
        // U+0085 and U+2028 end a line for some readers; both as UTF-8.
        const string Agent = "\"a\\ \u001b[31m\u00c2\u0085\u00e2\u0080\u00a8 200 OK\"";
        await RawHttp.SendAsync(host.EndPoint, $"GET /v2/a\"b HTTP/1.1\r\nHost: x\r\nUser-Agent: {Agent}\r\nConnection: close\r\n\r\n");
        var log = await host.StopAndReadLogAsync();
        var lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(1);
        lines[0].ShouldAllBe(static c => !char.IsControl(c) && c != '\u2028');
        if (json)
        {
            foreach (var line in lines)
                JsonDocument.Parse(line).Dispose();
        }
        else
        {
            lines[^1].Count(static c => c == '"').ShouldBe(2);
        }
    }

    [Fact]
    [Promise("P10")]
    public async Task Lines_BeyondTheBudget_AreCountedAndSummedUp()
    {
        var time = new ManualTime();
        await using var host = await StartAsync(HostUnderTest.Answering(""), json: true, linesPerSecond: 8, time);
        for (var i = 0; i < 20; i++)
            (await host.Client.GetAsync("/v2/")).Dispose();
        for (var i = 0; i < 5; i++)
            (await host.Client.DeleteAsync("/v2/a/manifests/b")).Dispose();
        // A connection is closed once its last request is in the log, so that this one still belongs to the first second.
        var scrape = await RawHttp.SendAsync(host.EndPoint, "GET /metrics HTTP/1.0\r\n\r\n");
        scrape.ShouldContain("holdfast_log_dropped_lines_total 17\n");

        time.Advance(TimeSpan.FromSeconds(1));
        (await host.Client.GetAsync("/v2/")).Dispose();
        var lines = (await host.StopAndReadLogAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        // Six reads, two deletes (a quarter is kept for those), a summary, and the next second's first read. The scrape was dropped as well.
        lines.Count(static line => line.Contains("\"GET\"")).ShouldBe(7);
        lines.Count(static line => line.Contains("\"DELETE\"")).ShouldBe(2);
        lines.Count(static line => line.Contains("\"lines\":18")).ShouldBe(1);
        lines.Length.ShouldBe(10);
    }

    [Fact]
    public async Task Text_OfARequest_IsForPeople()
    {
        await using var host = await StartAsync(HostUnderTest.Answering("hi"), json: false);
        await RawHttp.SendAsync(host.EndPoint, "GET /v2/a/tags/list HTTP/1.1\r\nHost: x\r\nX-Request-Id: r1\r\nUser-Agent: curl/8\r\nConnection: close\r\n\r\n");
        (await host.StopAndReadLogAsync()).ShouldMatch(
            "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z r1 127\\.0\\.0\\.1 - main tags 200 - GET /v2/a/tags/list in=0 out=2 ms=[0-9.]+ \"curl/8\"\n\\z");
    }

    private static async Task EchoLengthAsync(Holdfast.Server.Http.RegistryRequest request)
    {
        await request.Context.Request.Body.CopyToAsync(Stream.Null);
        await request.Context.Response.Body.WriteAsync("abc"u8.ToArray());
    }

    private static Task<HostUnderTest> StartAsync(
        Func<Holdfast.Server.Http.RegistryRequest, Task> dispatch, bool json, int linesPerSecond = 1000, TimeProvider? time = null) =>
        HostUnderTest.StartAsync(
            dispatch,
            options => options with { AccessLog = options.AccessLog with { Json = json, MaxLinesPerSecond = linesPerSecond } },
            time: time);
}
