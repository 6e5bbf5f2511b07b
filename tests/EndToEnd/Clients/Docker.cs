using System.Text.Json.Nodes;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>
/// docker with a dockerd of its own. It takes every address in 127.0.0.0/8 for an insecure one and checks no certificate there, so
/// over TLS it shows that the transport works, not that trust does.
/// </summary>
internal sealed class Docker(Lab lab) : Client(lab, "docker")
{
    private readonly ContainersHome _containers = new(lab);
    private Containerd? _containerd;
    private Daemon? _daemon;

    /// <summary>What the daemon asks instead of Docker Hub, before it. Docker Hub itself is out of reach then.</summary>
    public Uri? Mirror { get; init; }

    public override IReadOnlyList<string> Programs => ["docker", "dockerd", "containerd"];

    /// <summary>Its store holds images of one platform; `docker manifest` lists what was pushed before.</summary>
    public override bool PushesIndexes => false;

    /// <summary>Where its daemon listens; what DOCKER_HOST takes.</summary>
    public string Socket => $"unix://{Home}/d.sock";

    public override async Task<string> PushAsync(Endpoint endpoint, Image image, string repository, CancellationToken token)
    {
        var reference = Reference(endpoint, repository);
        var archive = Path.Combine(Lab.NewFolder("archive"), "image.tar");
        await RunAsync(
            new ToolCall("skopeo", "copy", "--quiet", $"oci:{image.Layout.Folder}:{Image.Tag}", $"docker-archive:{archive}:{reference}")
            {
                Environment = new Dictionary<string, string>(_containers.Environment) { ["_CONTAINERS_ROOTLESS_UID"] = "1000" },
            },
            token);
        await CallAsync(endpoint, token, "load", "--input", archive);
        File.Delete(archive);
        var pushed = await CallAsync(endpoint, token, "push", reference);
        await CallAsync(endpoint, token, "image", "rm", "--force", reference);
        return DigestIn(pushed);
    }

    public override async Task<Pulled> PullAsync(Endpoint endpoint, string repository, string architecture, CancellationToken token)
    {
        var reference = Reference(endpoint, repository);
        var pulled = await CallAsync(endpoint, token, "pull", "--platform", $"linux/{architecture}", reference);
        var image = JsonNode.Parse(await CallAsync(endpoint, token, "image", "inspect", reference))![0]!;
        await CallAsync(endpoint, token, "image", "rm", "--force", reference);
        return new Pulled(
            [DigestIn(pulled)], (string)image["Id"]!, [.. image["RootFS"]!["Layers"]!.AsArray().Select(layer => (string)layer!)], Files: null);
    }

    /// <summary>Pulls by a name without a host, which is Docker Hub's, into an empty store, and leaves it empty again.</summary>
    /// <returns>The digest that the name stands for.</returns>
    public async Task<string> PullFromHubAsync(string repository, CancellationToken token)
    {
        await StartAsync(token);
        var environment = new Dictionary<string, string> { ["HOME"] = Home, ["DOCKER_CONFIG"] = Home };
        var pulled = await RunAsync(new ToolCall("docker", "--host", Socket, "pull", $"{repository}:{Image.Tag}") { Environment = environment }, token);
        await RunAsync(new ToolCall("docker", "--host", Socket, "image", "rm", "--force", $"{repository}:{Image.Tag}") { Environment = environment }, token);
        return DigestIn(pulled);
    }

    /// <summary>Pulls and runs the image's command.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunImageAsync(Endpoint endpoint, string repository, CancellationToken token)
    {
        await CallAsync(endpoint, token, "pull", Reference(endpoint, repository));
        return await CallAsync(endpoint, token, "run", "--rm", "--network", "host", Reference(endpoint, repository));
    }

    public async Task<ToolResult> LoginAsync(Endpoint endpoint, string password, CancellationToken token)
    {
        await StartAsync(token);
        var login = new ToolCall("docker", "--host", Socket, "login", "--username", endpoint.Credentials!.User, "--password-stdin", endpoint.Host)
        {
            Environment = GoEnvironment(endpoint with { Credentials = null }),
            Input = password,
        };
        return await login.RunAsync(token);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }

        if (_containerd is not null)
        {
            await _containerd.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    /// <summary>From the line `Digest: sha256:…` of a pull, or `1: digest: sha256:… size: …` of a push.</summary>
    private static string DigestIn(string output)
    {
        var start = output.LastIndexOf("igest: sha256:", StringComparison.Ordinal) + "igest: ".Length;
        return output.Substring(start, "sha256:".Length + 64);
    }

    private async Task<string> CallAsync(Endpoint endpoint, CancellationToken token, params IReadOnlyList<string> arguments)
    {
        await StartAsync(token);
        return await RunAsync(new ToolCall("docker", ["--host", Socket, .. arguments]) { Environment = GoEnvironment(endpoint) }, token);
    }

    /// <summary>Starts the daemon, if it doesn't run yet.</summary>
    public async Task StartAsync(CancellationToken token)
    {
        if (_daemon is not null)
        {
            return;
        }

        _containerd = await Containerd.StartAsync(Lab, token);
        var settings = Path.Combine(Home, "daemon.json");
        await File.WriteAllTextAsync(settings, Mirror is null ? "{}" : $$"""{ "registry-mirrors": ["{{Mirror}}"] }""", token);
        _daemon = Daemon.Start(Lab, Path.Combine(Home, "log"), new ToolCall(
            "dockerd",
            "--config-file", settings, "--containerd", _containerd.Socket, "--host", Socket, "--data-root", $"{Home}/root",
            "--exec-root", $"{Home}/exec", "--pidfile", $"{Home}/pid", "--bridge=none", "--iptables=false", "--ip6tables=false",
            "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false", "--storage-driver", "vfs")
        {
            // Nothing listens there. Go sends what is for loopback, the mirror, past any proxy.
            Environment = Mirror is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["HTTPS_PROXY"] = "http://127.0.0.1:1", ["HTTP_PROXY"] = "http://127.0.0.1:1" },
        });
        await _daemon.WaitUntilAsync(
            async t => (await new ToolCall("docker", "--host", Socket, "version").RunAsync(t)).ExitCode == 0, TimeSpan.FromSeconds(60), token);
    }
}
