using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Hosting;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Admin;

public class AdminSocketTests
{
    [Fact]
    public async Task Socket_WhileTheServerRuns_IsItsOwnersAloneAndGoneAfterwards()
    {
        await using var host = await StartAsync();
        File.GetUnixFileMode(host.Socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await host.Host.DisposeAsync();
        File.Exists(host.Socket).ShouldBeFalse();
    }

    [Fact]
    public async Task Start_SocketOfAKilledServer_IsReplaced()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-admin-");
        var path = Path.Combine(folder.FullName, "admin.sock");
        LeaveSocket(path);
        await using (await StartAsync(path))
        {
            using var client = AdminHost.ClientOf(path);
            (await client.GetStringAsync("/healthz")).ShouldBe("{\"status\":\"ok\"}");
        }
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Start_PathTooLongForASocket_SaysSo()
    {
        var path = "/tmp/" + new string('x', 107 - 5);
        AdminSocket.PathProblem(path).ShouldBeNull();
        var fault = await Should.ThrowAsync<IOException>(() => StartAsync(path[..^1] + "é"));
        fault.Message.ShouldContain("has 108 bytes, 1 more than a socket's may; choose a shorter path for the data folder");
    }

    [Fact]
    public async Task Start_PortInUse_LeavesNoSocket()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var folder = Directory.CreateTempSubdirectory("holdfast-admin-");
        var path = Path.Combine(folder.FullName, "admin.sock");
        await Should.ThrowAsync<IOException>(() => StartAsync(path, new Uri($"http://{other.LocalEndpoint}")));
        File.Exists(path).ShouldBeFalse();
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("GET", "/api/v1/nothing", HttpStatusCode.NotFound, "ROUTE_UNKNOWN")]
    [InlineData("GET", "/api/v1/", HttpStatusCode.NotFound, "ROUTE_UNKNOWN")]
    [InlineData("GET", "/api/v2/status", HttpStatusCode.NotFound, "ROUTE_UNKNOWN")]
    [InlineData("GET", "/v2/", HttpStatusCode.NotFound, "ROUTE_UNKNOWN")]
    [InlineData("PUT", "/v2/a/manifests/b", HttpStatusCode.NotFound, "ROUTE_UNKNOWN")]
    [InlineData("DELETE", "/api/v1/who", HttpStatusCode.MethodNotAllowed, "UNSUPPORTED")]
    public async Task Request_OfWhatIsNotThere_IsAnErrorInJson(string method, string path, HttpStatusCode status, string code)
    {
        await using var host = await StartAsync();
        using var response = await host.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        response.StatusCode.ShouldBe(status);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var error = body.RootElement.GetProperty("errors")[0];
        error.GetProperty("code").GetString().ShouldBe(code);
        error.GetProperty("detail").GetProperty("requestId").GetString().ShouldBe(response.Headers.GetValues("X-Request-Id").Single());
        if (status == HttpStatusCode.MethodNotAllowed)
            response.Content.Headers.Allow.ShouldBe(["GET"]);
    }

    [Fact]
    public async Task Request_ThroughTheSocket_IsOfItsUserAndLogged()
    {
        await using var host = await StartAsync();
        var caller = $"local:{UserId()}";
        (await host.Client.GetStringAsync("/api/v1/who")).ShouldBe($"\"{caller}\"");
        (await host.Client.GetStringAsync("/readyz")).ShouldContain("\"ok\"");
        (await host.Client.GetStringAsync("/metrics")).ShouldContain("holdfast_http_requests_total{registry=\"-\",route=\"admin\",method=\"GET\",code=\"200\"} 1\n");
        (await host.Host.StopAndReadLogAsync()).ShouldContain($" - {caller} - admin 200 - GET /api/v1/who ");
    }

    [Fact]
    [Holdfast.Testing.Promise("P10")]
    public async Task Socket_WhileTheListenersAreFull_StillAnswers()
    {
        await using var host = await AdminHost.StartAsync(Who, static options => options with { Limits = new LimitOptions { Connections = 1 } });
        using var first = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(host.Host.EndPoint);
        await first.SendAsync("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        (await first.ReceiveAsync(new byte[1])).ShouldBe(1);

        // Reset while it connects, or later: which exception that is differs.
        (await Record.ExceptionAsync(() => host.Host.Client.GetAsync("/healthz"))).ShouldNotBeNull();
        (await host.Client.GetStringAsync("/api/v1/who")).ShouldContain("local:");
    }

    private static void Who(AdminTable table) => table.Map("GET", "/api/v1/who", static request => request.AnswerAsync(request.Caller));

    private static Task<AdminHost> StartAsync() => AdminHost.StartAsync(Who);

    private static Task<HostUnderTest> StartAsync(string path, Uri? url = null) => HostUnderTest.StartAsync(
        HostUnderTest.Answering(""),
        options => options with { AdminSocket = path, Listeners = [options.Listeners[0] with { Url = url ?? options.Listeners[0].Url }] });

    private static string UserId() =>
        File.ReadLines("/proc/self/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];

    // As after kill -9: a file in the file system, and nobody behind it.
    private static void LeaveSocket(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path + ".bound"));
        File.Move(path + ".bound", path);
    }
}
