using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>A client that copies OCI layouts to registries and back without touching a byte.</summary>
internal abstract class LayoutClient(Lab lab, string name) : Client(lab, name)
{
    public override bool KeepsBytes => true;

    public override async Task<Pulled> PullAsync(Endpoint endpoint, string repository, string architecture, CancellationToken token)
    {
        var folder = Path.Combine(Lab.NewFolder("pulled"), "layout");
        await FetchAsync(endpoint, Reference(endpoint, repository), folder, token);
        var top = new OciLayout(folder).Top();
        var files = await FileHashes.OfFolderAsync(Path.Combine(folder, "blobs", "sha256"), _ => true, token);
        Directory.Delete(folder, recursive: true);
        return new Pulled([top.Digest], Config: null, DiffIds: null, files);
    }

    /// <summary>Pulls into a new layout folder.</summary>
    protected abstract Task FetchAsync(Endpoint endpoint, string reference, string folder, CancellationToken token);
}

internal sealed class Oras(Lab lab) : LayoutClient(lab, "oras")
{
    public override async Task<string> PushAsync(Endpoint endpoint, Image image, string repository, CancellationToken token)
    {
        var reference = Reference(endpoint, repository);
        await CallAsync(endpoint, token, ["cp", "--no-tty", .. Side("to", endpoint), "--from-oci-layout", $"{image.Layout.Folder}:{Image.Tag}", reference]);
        return await CallAsync(endpoint, token, ["resolve", .. Side("", endpoint), reference]);
    }

    public Task<string> CallAsync(Endpoint endpoint, CancellationToken token, params IReadOnlyList<string> arguments) =>
        RunAsync(new ToolCall("oras", arguments) { Environment = GoEnvironment(endpoint), Directory = WorkFolder }, token);

    /// <summary>Where attached files are read from, since oras keeps the path it is given.</summary>
    public string WorkFolder => Home;

    /// <summary>The options that say how the registry on one side of a copy is reached.</summary>
    public static IEnumerable<string> Side(string side, Endpoint endpoint)
    {
        var prefix = side.Length == 0 ? "--" : $"--{side}-";
        return endpoint.Authority is { } authority ? [prefix + "ca-file", authority] : [prefix + "plain-http"];
    }

    protected override Task FetchAsync(Endpoint endpoint, string reference, string folder, CancellationToken token) =>
        CallAsync(endpoint, token, ["cp", "--no-tty", .. Side("from", endpoint), reference, "--to-oci-layout", $"{folder}:{Image.Tag}"]);
}

internal sealed class Crane(Lab lab) : LayoutClient(lab, "crane")
{
    public override async Task<string> PushAsync(Endpoint endpoint, Image image, string repository, CancellationToken token)
    {
        var pushed = await CallAsync(endpoint, token, "push", image.Layout.Folder, Reference(endpoint, repository));
        return pushed[(pushed.LastIndexOf('@') + 1)..];
    }

    protected override Task FetchAsync(Endpoint endpoint, string reference, string folder, CancellationToken token) =>
        CallAsync(endpoint, token, "pull", "--format", "oci", reference, folder);

    private Task<string> CallAsync(Endpoint endpoint, CancellationToken token, params IReadOnlyList<string> arguments) =>
        RunAsync(new ToolCall("crane", arguments) { Environment = GoEnvironment(endpoint) }, token);
}
