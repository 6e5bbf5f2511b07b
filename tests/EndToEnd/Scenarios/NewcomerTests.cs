using EndToEnd.Clients;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The commands that README gives to a newcomer, as they stand there but for the port.</summary>
public sealed class NewcomerTests(Lab lab)
{
    private const string Address = "127.0.0.1:5000";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readme_ClientCommands_PushAndPullAgainstAPlainStart()
    {
        Require.Programs("skopeo", "podman", "docker", "dockerd", "containerd");
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        var readme = await File.ReadAllTextAsync(Path.Combine(HoldfastProcess.Checkout, "README.md"), Token);
        var quickStart = readme.Split("## Quick start")[1].Split("\n## ")[0];
        var blocks = quickStart.Split("```sh")[1..].Select(part => part.Split("```")[0]).ToList();
        var host = $"127.0.0.1:{FreePorts.Take()}";
        var folder = lab.NewFolder("newcomer");
        File.Copy(Path.Combine(HoldfastProcess.Checkout, "README.md"), Path.Combine(folder, "README.md"));
        // What ./dev run starts, once it has built it.
        var serve = new ToolCall(HoldfastProcess.Executable, "serve", "--data", Path.Combine(folder, "data"), "--listen", $"http://{host}");
        await using var server = Daemon.Start(lab, Path.Combine(folder, "log"), serve);
        using var raw = new RawRegistry(new Endpoint(Mode.Plain, host, Authority: null, Credentials: null));
        await server.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(60), Token);
        var docker = new Docker(lab);
        await docker.StartAsync(Token);
        var environment = new Dictionary<string, string>(new ContainersHome(lab).Environment)
        {
            ["STORAGE_DRIVER"] = "vfs",
            ["DOCKER_HOST"] = docker.Socket,
            ["PATH"] = $"{Path.GetDirectoryName(HoldfastProcess.Executable)}:{Environment.GetEnvironmentVariable("PATH")}",
        };

        blocks.Count.ShouldBe(4, "podman, docker, skopeo, and a delete taken back");
        foreach (var block in blocks)
        {
            block.ShouldContain(Address);
            await new ToolCall("/bin/sh", "-euc", block.Replace(Address, host)) { Directory = folder, Environment = environment }.OutputAsync(Token);
        }

        foreach (var (repository, tag) in new[] { ("hello", "1"), ("hello", "2"), ("team/hello", "3") })
            (await raw.ReadClosureAsync(repository, tag, Token)).Digests.Count.ShouldBe(3, "manifest, config and one layer");
    }
}
