using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>skopeo; pulls into its dir: format, which keeps a manifest's bytes whatever their type.</summary>
internal sealed class Skopeo(Lab lab) : Client(lab, "skopeo")
{
    private readonly ContainersHome _home = new(lab);

    public override bool KeepsBytes => true;

    public override async Task<string> PushAsync(Endpoint endpoint, Image image, string repository, CancellationToken token)
    {
        var digest = Path.Combine(Lab.NewFolder("digest"), "digest");
        await CopyAsync(
            ["--all", "--preserve-digests", "--digestfile", digest, .. Side("dest", endpoint)],
            $"oci:{image.Layout.Folder}:{Image.Tag}", $"docker://{Reference(endpoint, repository)}", token);
        return (await File.ReadAllTextAsync(digest, token)).Trim();
    }

    /// <summary>Pushes under a tag of the test's choice.</summary>
    public Task PushAsAsync(Endpoint endpoint, Image image, string repository, string tag, CancellationToken token) =>
        CopyAsync(["--all", "--preserve-digests", .. Side("dest", endpoint)], $"oci:{image.Layout.Folder}:{Image.Tag}", $"docker://{endpoint.Host}/{repository}:{tag}", token);

    public override async Task<Pulled> PullAsync(Endpoint endpoint, string repository, string architecture, CancellationToken token)
    {
        var folder = Lab.NewFolder("pulled");
        await CopyAsync(["--all", .. Side("src", endpoint)], $"docker://{Reference(endpoint, repository)}", $"dir:{folder}", token);
        var manifest = await FileHashes.OfAsync(Path.Combine(folder, "manifest.json"), token);
        var files = await FileHashes.OfFolderAsync(folder, name => name != "version", token);
        Directory.Delete(folder, recursive: true);
        return new Pulled([manifest], Config: null, DiffIds: null, files);
    }

    private IEnumerable<string> Side(string side, Endpoint endpoint) =>
        [$"--{side}-authfile", Path.Combine(DockerConfig.Write(Lab, endpoint), "config.json"), .. Trust(side + "-", endpoint)];

    internal static IEnumerable<string> Trust(string prefix, Endpoint endpoint) =>
        endpoint.Authority is { } authority
            ? [$"--{prefix}cert-dir", Path.GetDirectoryName(authority)!]
            : [$"--{prefix}tls-verify=false"];

    private async Task CopyAsync(IEnumerable<string> options, string source, string target, CancellationToken token) =>
        await RunAsync(
            new ToolCall("skopeo", ["copy", "--quiet", .. options, source, target])
            {
                // As an unprivileged user, since for root it keeps a cache of blob locations in the system's folder.
                Environment = new Dictionary<string, string>(_home.Environment) { ["_CONTAINERS_ROOTLESS_UID"] = "1000" },
            },
            token);
}
