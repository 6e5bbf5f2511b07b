using EndToEnd.Processes;

namespace EndToEnd.Clients;

/// <summary>A containerd with root, state and socket in the lab.</summary>
internal sealed class Containerd : IAsyncDisposable
{
    private readonly Daemon _daemon;

    private Containerd(Daemon daemon, string folder)
    {
        _daemon = daemon;
        Root = Path.Combine(folder, "root");
        Socket = SocketIn(folder);
    }

    public string Root { get; }

    public string Socket { get; }

    public static async Task<Containerd> StartAsync(Lab lab, CancellationToken token)
    {
        Require.Root();
        var folder = lab.NewFolder("ctd");
        var config = Path.Combine(folder, "config.toml");
        await File.WriteAllTextAsync(
            config,
            $"""
             version = 2
             root = "{folder}/root"
             state = "{folder}/state"
             disabled_plugins = ["io.containerd.grpc.v1.cri"]
             [grpc]
             address = "{SocketIn(folder)}"
             """,
            token);
        var daemon = Daemon.Start(lab, Path.Combine(folder, "log"), new ToolCall("containerd", "--config", config));
        var containerd = new Containerd(daemon, folder);
        await daemon.WaitUntilAsync(
            async t => (await new ToolCall("ctr", "--address", containerd.Socket, "version").RunAsync(t)).ExitCode == 0, TimeSpan.FromSeconds(30), token);
        return containerd;
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    private static string SocketIn(string folder) => Path.Combine(folder, "c.sock");
}
