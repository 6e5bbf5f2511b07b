using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>containerd's own client, with a containerd of its own.</summary>
internal sealed class Ctr(Lab lab) : Client(lab, "ctr")
{
    private static int _containers;
    private Containerd? _containerd;

    public override IReadOnlyList<string> Programs => ["containerd", "ctr"];

    public override bool KeepsBytes => true;

    public override bool PullsWholeIndex => false;

    public override async Task<string> PushAsync(Endpoint endpoint, Image image, string repository, CancellationToken token)
    {
        var reference = Reference(endpoint, repository);
        var archive = await ArchiveAsync(image, reference, token);
        await CallAsync(token, "images", "import", "--all-platforms", "--no-unpack", archive);
        File.Delete(archive);
        await CallAsync(token, ["images", "push", .. Reach(endpoint), reference]);
        await CallAsync(token, "images", "rm", "--sync", reference);
        return image.Digest;
    }

    public override async Task<Pulled> PullAsync(Endpoint endpoint, string repository, string architecture, CancellationToken token)
    {
        var reference = Reference(endpoint, repository);
        await PullOnlyAsync(endpoint, reference, architecture, token);
        var manifest = (await CallAsync(token, "images", "ls", $"name=={reference}")).Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
        var files = await FileHashes.OfFolderAsync(Path.Combine(_containerd!.Root, "io.containerd.content.v1.content", "blobs"), _ => true, token);
        await CallAsync(token, "images", "rm", "--sync", reference);
        return new Pulled([manifest], Config: null, DiffIds: null, files);
    }

    /// <summary>Pulls as a node does that was told by hosts.toml files where registries are, whatever the image is called.</summary>
    /// <returns>The digest that the name stands for.</returns>
    public async Task<string> PullThroughAsync(string hosts, string reference, CancellationToken token)
    {
        await CallAsync(token, ["images", "pull", "--snapshotter", "native", "--platform", "linux/amd64", "--hosts-dir", hosts, reference]);
        return (await CallAsync(token, "images", "ls", $"name=={reference}")).Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
    }

    /// <summary>Pulls, unpacks and runs the image's command, or another one; when the token fires, the container is killed.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunImageAsync(Endpoint endpoint, string repository, IReadOnlyList<string> command, CancellationToken token)
    {
        var reference = Reference(endpoint, repository);
        await PullOnlyAsync(endpoint, reference, "amd64", token);
        // A name of its own even beside other containerds, since their runc keeps its state in one folder unless told otherwise.
        var container = $"e2e-{Environment.ProcessId}-{Interlocked.Increment(ref _containers)}";
        try
        {
            string[] options = ["--rm", "--net-host", "--snapshotter", "native", "--runc-root", $"{Home}/runc"];
            return await CallAsync(token, ["run", .. options, reference, container, .. command]);
        }
        catch (OperationCanceledException)
        {
            await CallAsync(CancellationToken.None, "task", "kill", "--signal", "SIGKILL", container);
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (_containerd is not null)
        {
            await _containerd.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    private Task<string> PullOnlyAsync(Endpoint endpoint, string reference, string architecture, CancellationToken token) =>
        CallAsync(token, ["images", "pull", "--snapshotter", "native", "--platform", $"linux/{architecture}", .. Reach(endpoint), reference]);

    private async Task<string> CallAsync(CancellationToken token, params IReadOnlyList<string> arguments)
    {
        _containerd ??= await Containerd.StartAsync(Lab, token);
        return await RunAsync(new ToolCall("ctr", ["--address", _containerd.Socket, .. arguments]), token);
    }

    private IEnumerable<string> Reach(Endpoint endpoint) =>
    [
        .. endpoint.IsTls ? (string[])["--hosts-dir", HostsFolder(endpoint)] : ["--plain-http"],
        .. endpoint.Credentials is var (user, password) ? (string[])["--user", $"{user}:{password}"] : [],
    ];

    /// <summary>Containerd's own way to say how a host is reached; without it, it speaks HTTP to every loopback address.</summary>
    private string HostsFolder(Endpoint endpoint)
    {
        var hosts = Lab.NewFolder("hosts");
        var folder = Directory.CreateDirectory(Path.Combine(hosts, endpoint.Host.Replace(':', '_') + "_"));
        var server = endpoint.Url.AbsoluteUri.TrimEnd('/');
        File.WriteAllText(
            Path.Combine(folder.FullName, "hosts.toml"),
            $"""
             server = "{server}"
             [host."{server}"]
             capabilities = ["pull", "resolve", "push"]
             ca = "{endpoint.Authority}"
             """);
        return hosts;
    }

    /// <summary>The layout as one tar file, whose index names the image as containerd will list it.</summary>
    private async Task<string> ArchiveAsync(Image image, string reference, CancellationToken token)
    {
        var layout = new OciLayout(Lab.NewFolder("archive"));
        layout.Tag(image.Top, Image.Tag, reference);
        var archive = layout.Folder + ".tar";
        await RunAsync(new ToolCall("tar", "-cf", archive, "-C", layout.Folder, "oci-layout", "index.json", "-C", image.Layout.Folder, "blobs"), token);
        return archive;
    }
}
