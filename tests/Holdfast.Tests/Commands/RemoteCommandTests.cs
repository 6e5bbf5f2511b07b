using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>Administration over the network, by users of whom one may.</summary>
public sealed class RemoteCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Commands_OverTheNetwork_ObeyTheUserWhoMayAndNobodyElse()
    {
        folder.Write("ops.password", "the one of ops");
        folder.Write("ci.password", "the one of ci");
        folder.Write("wrong.password", "the one of nobody");
        foreach (var user in (string[])["ops", "ci"])
            (await HoldfastProcess.RunAsync(folder.Path, ["user", "add", user, "--file", "remote.users", "--cost", "4", "--password-file", user + ".password"])).ExitCode.ShouldBe(0);
        folder.Write("remote.yaml", """
            data: remote
            listeners: [ { url: "http://127.0.0.1:0" } ]
            registries:
              a:
                auth:
                  htpasswd: remote.users
                access:
                  - { users: [ops], repositories: ["**"], actions: [admin] }
                  - { users: [ci], repositories: ["**"], actions: [pull, push, delete] }
            """);
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "remote.yaml"]);
        var url = server.Addresses[0].GetLeftPart(UriPartial.Authority);
        (string Command, string Says)[] commands =
        [
            ("status", "registries: a"), ("trash list", "the trash is empty"), ("gc status", "trash: 0 objects"), ("incidents", "nothing is open"),
            ("scrub status", "open findings: 0"), ("retention status", "no retention rules"), ("heal", "0 healed, 0 left"), ("gc run", "freed 0 B"),
        ];
        foreach (var (command, says) in commands)
        {
            var done = await RunAsync(command, url, "ops", "ops.password");
            done.Errors.ShouldBeEmpty(command);
            done.Output.ShouldContain(says);
            done.ExitCode.ShouldBe(0, command);
            (await RunAsync(command, url, "ci", "ci.password")).ShouldBe(
                (2, "", $"holdfast {command}: {url}: this user may not administer; an access rule for all repositories (\"**\") with the action admin lets one\n"));
        }
        (await RunAsync("status", url, "ops", "wrong.password")).ShouldBe((2, "", $"holdfast status: {url}: user ops or the password is wrong\n"));
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string command, string url, string user, string passwordFile) =>
        HoldfastProcess.RunAsync(folder.Path, [.. command.Split(' '), "--server", url, "--user", user, "--password-file", passwordFile]);
}
