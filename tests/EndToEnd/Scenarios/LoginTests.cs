using EndToEnd.Clients;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>Every client's own login command, with the right password and a wrong one.</summary>
public sealed class LoginTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Mode.Basic)]
    [InlineData(Mode.Bearer)]
    public async Task Login_ByEachClient_TakesTheRightPasswordOnly(Mode mode)
    {
        await using var server = await Deployment.StartAsync(lab, Token);
        await using var docker = new Docker(lab);
        var endpoint = server.For(mode);
        foreach (var login in Logins(endpoint))
        {
            Require.Programs(login.Program);
            var right = await (login with { Input = endpoint.Credentials!.Password }).RunAsync(Token);
            right.ExitCode.ShouldBe(0, right.ToString());
            var wrong = await (login with { Input = "wrong" }).RunAsync(Token);
            wrong.ExitCode.ShouldNotBe(0, wrong.ToString());
        }

        Require.Programs([.. docker.Programs]);
        (await docker.LoginAsync(endpoint, endpoint.Credentials!.Password, Token)).ExitCode.ShouldBe(0);
        (await docker.LoginAsync(endpoint, "wrong", Token)).ExitCode.ShouldNotBe(0);
    }

    /// <summary>crane is missing: its login only writes a file and asks no registry.</summary>
    private IEnumerable<ToolCall> Logins(Endpoint endpoint)
    {
        var home = new ContainersHome(lab);
        string[] user = ["--username", endpoint.Credentials!.User, "--password-stdin"];
        var file = Path.Combine(home.Folder, "auth.json");
        string[] reach = ["--authfile", file, .. Skopeo.Trust("", endpoint), endpoint.Host];
        yield return new ToolCall("podman", [.. home.StorageOptions, "login", .. user, .. reach]) { Environment = home.Environment };
        yield return new ToolCall("buildah", [.. home.StorageOptions, "login", .. user, .. reach]) { Environment = home.Environment };
        yield return new ToolCall("skopeo", ["login", .. user, .. reach]) { Environment = home.Environment };
        yield return new ToolCall("oras", ["login", .. user, "--registry-config", file, .. Oras.Side("", endpoint), endpoint.Host])
        {
            Environment = home.Environment,
        };
    }
}
