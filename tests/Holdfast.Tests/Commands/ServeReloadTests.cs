using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>What changes beside a running server and is taken over without a restart.</summary>
public sealed class ServeReloadTests : IDisposable
{
    private readonly ConfigurationFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task UserAdd_BesideARunningServer_CanLogInAtOnceAndTheOthersStill()
    {
        await AddAsync("old", "secret");
        await using var server = await StartAsync();
        (await LogInAsync(server, "old", "secret")).ShouldBe(HttpStatusCode.OK);
        (await LogInAsync(server, "new", "fresh")).ShouldBe(HttpStatusCode.Unauthorized);

        await AddAsync("new", "fresh");
        await server.WaitForErrorAsync("logins: 2");
        (await LogInAsync(server, "new", "fresh")).ShouldBe(HttpStatusCode.OK);
        (await LogInAsync(server, "old", "secret")).ShouldBe(HttpStatusCode.OK);

        (await HoldfastProcess.RunAsync(_folder.Path, ["user", "remove", "old", "--file", "logins"])).ExitCode.ShouldBe(0);
        await server.WaitForErrorAsync("logins: 1");
        (await LogInAsync(server, "old", "secret")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task BadEdit_OfTheUsers_KeepsTheOldOnesAndSaysWhere()
    {
        await AddAsync("ci", "secret");
        await using var server = await StartAsync();
        await File.AppendAllTextAsync(Path.Combine(_folder.Path, "logins"), "ed:plain\n");
        await server.WaitForErrorAsync("logins:2: user 'ed' has ");
        (await LogInAsync(server, "ci", "secret")).ShouldBe(HttpStatusCode.OK);
        (await server.Client.GetStringAsync("/metrics")).ShouldContain("holdfast_configuration_stale{file=\"logins\"} 1\n");
    }

    [Fact]
    public async Task Certificate_ReplacedBesideARunningServer_IsServed()
    {
        _folder.Write("tls.yaml", "data: data\nlisteners: [ { url: \"https://127.0.0.1:0\", tls: { certificate: tls.pem, key: tls.key } } ]\n");
        await using var server = await RunningServer.StartAsync(_folder.Path, ["-c", "tls.yaml"]);
        var before = await ThumbprintAsync(server.Addresses[0].Port);
        File.Copy(Path.Combine(_folder.Path, "new.pem"), Path.Combine(_folder.Path, "tls.pem"), overwrite: true);
        File.Copy(Path.Combine(_folder.Path, "new.key"), Path.Combine(_folder.Path, "tls.key"), overwrite: true);
        await server.WaitForErrorAsync(" reloaded; it expires ");
        (await ThumbprintAsync(server.Addresses[0].Port)).ShouldNotBe(before);
    }

    private async Task AddAsync(string name, string password)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunWithInputAsync(
            _folder.Path, password + "\n", "user", "add", name, "--file", "logins", "--password-stdin", "--cost", "4");
        errors.ShouldBeEmpty();
        output.ShouldBe($"{name}: added\n");
        exitCode.ShouldBe(0);
    }

    private Task<RunningServer> StartAsync() => RunningServer.StartAsync(
        _folder.Path, ["--data", "data", "--listen", "http://127.0.0.1:0", "--set", "registries.default.auth.htpasswd=logins"]);

    private static async Task<HttpStatusCode> LogInAsync(RunningServer server, string name, string password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/");
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));
        using var response = await server.Client.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<string> ThumbprintAsync(int port)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(socket.GetStream(), false, static (_, certificate, _, _) => certificate?.Subject == "CN=holdfast");
        await tls.AuthenticateAsClientAsync("127.0.0.1");
        return tls.RemoteCertificate!.GetCertHashString();
    }
}
