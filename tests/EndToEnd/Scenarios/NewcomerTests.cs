using EndToEnd.Clients;
using EndToEnd.Images;
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
        Require.Programs("skopeo", "podman");
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        var readme = await File.ReadAllTextAsync(Path.Combine(HoldfastProcess.Checkout, "README.md"), Token);
        var block = readme.Split("```sh")[1..].Select(part => part.Split("```")[0]).Single(part => part.Contains("docker://" + Address));
        var host = $"127.0.0.1:{Lab.FreePort()}";
        var folder = lab.NewFolder("newcomer");
        // What ./dev run starts, once it has built it.
        var serve = new ToolCall(HoldfastProcess.Executable, "serve", "--data", Path.Combine(folder, "data"), "--listen", $"http://{host}");
        await using var server = Daemon.Start(lab, Path.Combine(folder, "log"), serve);
        using var raw = new RawRegistry(new Endpoint(Mode.Plain, host, Authority: null, Credentials: null));
        await server.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(60), Token);
        var image = await lab.Images.Busybox;
        var home = new ContainersHome(lab);
        var environment = new Dictionary<string, string>(home.Environment) { ["STORAGE_DRIVER"] = "vfs" };
        await new ToolCall("skopeo", "copy", "--quiet", $"oci:{image.Layout.Folder}:{Image.Tag}", $"docker-archive:{folder}/busybox.tar:busybox:1")
        {
            Environment = environment,
        }.OutputAsync(Token);

        await new ToolCall("/bin/sh", "-euc", block.Replace(Address, host)) { Directory = folder, Environment = environment }.OutputAsync(Token);

        (await raw.ReadClosureAsync("library/busybox", Image.Tag, Token)).Digests.Count.ShouldBe(4, "manifest, config and two layers");
    }
}
