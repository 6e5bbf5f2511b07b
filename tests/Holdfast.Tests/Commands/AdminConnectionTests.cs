using System.Diagnostics;
using System.Globalization;
using Holdfast.Commands;
using Holdfast.Server.Http;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class AdminConnectionTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Half = """{"progress":{"step":"hashing","done":1,"total":2,"unit":"blobs"}}""";

    [Fact]
    public async Task Stream_ProgressAndResult_AreRead()
    {
        var seen = new List<AdminProgress>();
        (await StreamAsync(seen, Half, """{"result":{"hashed":2,"newer":true}}""")).ShouldBe(new Answer(2));
        seen.ShouldBe([new AdminProgress("hashing", 1, 2, "blobs")]);
    }

    [Theory]
    [InlineData("""{"error":{"code":"CONFLICT","message":"the tag moved on"}}""", "the tag moved on")]
    [InlineData(Half, "the server ended in the middle of its answer; its log tells more")]
    [InlineData("<html>", "answers, but not as holdfast does")]
    public async Task Stream_AnotherEnd_IsAFault(string line, string says) =>
        (await Should.ThrowAsync<AdminFault>(() => StreamAsync([], Half, line))).Message.ShouldContain(says);

    [Fact]
    public async Task Get_AnswerThatBreaksOff_IsAFault()
    {
        await using var fake = new FakeAdminSocket(Path.Combine(folder.Path, "broken"), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
        using var connection = AdminConnection.ToFolder(Path.Combine(folder.Path, "broken"), AdminOptions.SocketName);
        (await Should.ThrowAsync<AdminFault>(() => connection.GetAsync<Answer>("/api/v1/x", CancellationToken.None))).Message.ShouldContain("the connection broke off");
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task Signal_WhileTheServerWorks_EndsTheCommandCleanly(string signal, int exitCode)
    {
        await using var fake = new FakeAdminSocket(Path.Combine(folder.Path, "slow" + signal), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", thenWait: true);
        // A shell that started the tests in the background had them ignore SIGINT; env gives it back.
        string[] arguments = ["--default-signal=INT,TERM", HoldfastProcess.Program, "status", "--data", "slow" + signal];
        using var process = Process.Start(HoldfastProcess.Describe("/usr/bin/env", folder.Path, arguments, []))!;
        await fake.Asked.WaitAsync(TimeSpan.FromSeconds(60));
        using (var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(limit.Token);
        (await process.StandardError.ReadToEndAsync(limit.Token)).ShouldBeEmpty();
        process.ExitCode.ShouldBe(exitCode);
    }

    private async Task<Answer> StreamAsync(List<AdminProgress> seen, params string[] lines)
    {
        var data = Path.Combine(folder.Path, Path.GetRandomFileName());
        await using var fake = new FakeAdminSocket(data, FakeAdminSocket.Lines(lines));
        using var connection = AdminConnection.ToFolder(data, AdminOptions.SocketName);
        return await connection.StreamAsync<Answer>(HttpMethod.Post, "/api/v1/x", new { repository = "a" }, seen.Add, CancellationToken.None);
    }

    private sealed record Answer(int Hashed);
}
