using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>How a command finds the server that it administers, and what it says if there is none or it may not.</summary>
public sealed class StatusCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Free = "http://127.0.0.1:0";

    private string InFolder(string name) => Path.Combine(folder.Path, name);

    [Fact]
    public async Task Status_RunningServer_AnswersHoweverItIsFound()
    {
        folder.Write("found.yaml", "data: found\nregistries: { main: {} }\nlisteners: [ { url: http://127.0.0.1:0 } ]\n");
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "found.yaml"]);
        foreach (var arguments in (string[][])[["--data", "found"], ["--config", "found.yaml"]])
        {
            var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["status", .. arguments]);
            errors.ShouldBeEmpty();
            output.ShouldStartWith("holdfast ");
            output.ShouldContain("\nregistries: main\n");
            exitCode.ShouldBe(0);
        }
        var (_, byVariable, _) = await HoldfastProcess.RunAsync(folder.Path, ["status", "--json"], ("HOLDFAST_DATA", "found"));
        using var json = JsonDocument.Parse(byVariable);
        json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(
            ["version", "startedAt", "uptimeSeconds", "freeBytes", "totalBytes", "reserveBytes", "registries"]);
    }

    [Fact]
    public async Task Status_SocketOfAServer_IsItsOwnersAlone()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "mode", "--listen", Free]);
        File.GetUnixFileMode(InFolder("mode/admin.sock")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.SkipUnless(Environment.UserName == "root", "only root can become somebody else to try the socket");
        string[] program = ["--reuid=65534", "--regid=65534", "--clear-groups", HoldfastProcess.Program, "status", "--data", InFolder("mode")];
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(HoldfastProcess.Describe("/usr/bin/setpriv", "/", program, []), "");
        Assert.SkipUnless(errors.StartsWith("holdfast status: ", StringComparison.Ordinal), "nobody can't run the program here: " + errors);
        errors.ShouldContain($"may not use {InFolder("mode/admin.sock")}; run this as the user that the server runs as");
        output.ShouldBeEmpty();
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Status_KilledServer_IsNoneAndTheNextOneServes()
    {
        string[] arguments = ["--data", "killed", "--listen", Free];
        await using (var server = await RunningServer.StartAsync(folder.Path, arguments))
        {
            server.Signal("KILL");
            await server.WaitForExitAsync();
        }
        File.Exists(InFolder("killed/admin.sock")).ShouldBeTrue();
        (await FailAsync("--data", "killed")).ShouldBe(NoneServes("killed"));

        await using (await RunningServer.StartAsync(folder.Path, arguments))
            (await HoldfastProcess.RunAsync(folder.Path, ["status", "--data", "killed"])).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Serve_SecondOnTheSameFolder_LeavesTheFirstOnesSocket()
    {
        await using var first = await RunningServer.StartAsync(folder.Path, ["--data", "twice", "--listen", Free]);
        (await HoldfastProcess.RunAsync(folder.Path, ["serve", "--data", "twice", "--listen", Free])).ExitCode.ShouldBe(2);
        (await HoldfastProcess.RunAsync(folder.Path, ["status", "--data", "twice"])).ExitCode.ShouldBe(0);
        first.Signal("TERM");
        (await first.WaitForExitAsync()).ShouldBe(0);
        File.Exists(InFolder("twice/admin.sock")).ShouldBeFalse();
    }

    [Fact]
    public async Task Serve_FolderWhosePathIsTooLong_SaysSo()
    {
        var data = InFolder(new string('x', 100));
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", "--data", data, "--listen", Free]);
        errors.ShouldStartWith($"holdfast: the administration's socket would be {data}/admin.sock, whose path has ");
        errors.TrimEnd().ShouldEndWith("choose a shorter path for the data folder");
        output.ShouldBeEmpty();
        exitCode.ShouldBe(2);
    }

    [Theory]
    [InlineData("--data nowhere", "NONE")]
    [InlineData("--config nofile.yaml", "nofile.yaml: no such file")]
    [InlineData("--user ops", "--user goes with --server")]
    [InlineData("--server http://127.0.0.1:1 --data x", "give --server, or --data or --config, not both")]
    [InlineData("--server 127.0.0.1:5000 --user ops", "is not of the form http://host:port")]
    [InlineData("--server http://127.0.0.1:1", "--server needs --user")]
    [InlineData("--server http://127.0.0.1:1 --user ops", "give --password-file F")]
    [InlineData("--server http://127.0.0.1:1 --user ops --password-file nofile", "nofile")]
    [InlineData("--server http://127.0.0.1:1 --user ops --password-file users", "http://127.0.0.1:1: nothing listens there")]
    [InlineData("--server https://127.0.0.1:1 --user ops --password-file users --ca users", "--ca: ")]
    public async Task Status_NoServerToBeHad_SaysWhy(string arguments, string says) =>
        (await FailAsync(arguments.Split(' '))).ShouldContain(says == "NONE" ? NoneServes("nowhere") : says);

    [Fact]
    public async Task Status_OverTls_TrustsTheGivenAuthorityOnly()
    {
        folder.Write("tls.yaml", $"data: tls\nlisteners: [ {{ url: \"https://127.0.0.1:0\", tls: {{ certificate: address.pem, key: address.key }} }} ]\nregistries: {{ a: {{ auth: {{ htpasswd: users }} }} }}\n");
        folder.Write("password", "not-the-password");
        WriteCertificate("address");
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "tls.yaml"]);
        var url = server.Addresses[0].GetLeftPart(UriPartial.Authority);
        (await FailAsync("--server", url, "--user", "ci", "--password-file", "password")).ShouldContain("the certificate isn't trusted");
        (await FailAsync("--server", url, "--user", "ci", "--password-file", "password", "--ca", "address.pem")).ShouldBe(
            $"{url}: user ci or the password is wrong");
        (await FailAsync("--server", url, "--user", "ci", "--password-file", "password", "--ca", "tls.pem")).ShouldContain("the certificate isn't trusted");
    }

    [Fact]
    public async Task Status_CertificateForAnotherName_SaysSo()
    {
        folder.Write("name.yaml", $"data: name\nlisteners: [ {{ url: \"https://127.0.0.1:0\", tls: {{ certificate: tls.pem, key: tls.key }} }} ]\nregistries: {{ a: {{ auth: {{ htpasswd: users }} }} }}\n");
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "name.yaml"]);
        var url = server.Addresses[0].GetLeftPart(UriPartial.Authority);
        (await FailAsync("--server", url, "--user", "ci", "--password-file", "users", "--ca", "tls.pem")).ShouldContain("certificate is for another name");
    }

    [Fact]
    public async Task Status_OpenRegistryOverTheNetwork_NamesTheSocket()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "open", "--listen", Free]);
        var url = server.Addresses[0].GetLeftPart(UriPartial.Authority);
        (await FailAsync("--server", url, "--user", "ci", "--password-file", "users")).ShouldContain("through admin.sock in its data folder");
        (await server.Client.GetAsync("/api/v1/status")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Status_SomethingElseListens_SaysSo()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var answering = AnswerOnceAsync(other);
        (await FailAsync("--server", $"http://{other.LocalEndpoint}", "--user", "ci", "--password-file", "users")).ShouldContain("answers 404, and not as holdfast does");
        await answering;
    }

    private static async Task AnswerOnceAsync(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        (await stream.ReadAsync(new byte[4096])).ShouldBePositive();
        await stream.WriteAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html"u8.ToArray());
    }

    private void WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Holdfast", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
        folder.Write($"{name}.pem", certificate.ExportCertificatePem());
        folder.Write($"{name}.key", key.ExportPkcs8PrivateKeyPem());
    }

    private string NoneServes(string data) =>
        $"no holdfast serves the data folder {InFolder(data)} (start it with `holdfast serve --data {InFolder(data)}`, or name another with --data)";

    private async Task<string> FailAsync(params string[] arguments)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["status", .. arguments]);
        exitCode.ShouldBe(2, errors);
        output.ShouldBeEmpty();
        var line = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem();
        line.ShouldStartWith("holdfast status: ");
        return line["holdfast status: ".Length..];
    }
}
