using System.Text.Json.Nodes;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>podman and buildah: the same storage and the same options, but for how they tell what an image is.</summary>
internal abstract class PodmanFamily(Lab lab, string name) : Client(lab, name)
{
    private readonly ContainersHome _home = new(lab);

    public override async Task<string> PushAsync(Endpoint endpoint, Image image, string repository, CancellationToken token)
    {
        var digest = Path.Combine(Lab.NewFolder("digest"), "digest");
        var reference = Reference(endpoint, repository);
        var source = $"oci:{image.Layout.Folder}:{Image.Tag}";
        if (image.IsIndex)
        {
            await CallAsync(token, "manifest", "create", reference);
            await CallAsync(token, "manifest", "add", "--all", reference, source);
            await CallAsync(token, ["manifest", "push", "--all", "--digestfile", digest, .. Reach(endpoint), reference, $"docker://{reference}"]);
            await CallAsync(token, "manifest", "rm", reference);
        }
        else
        {
            var id = (await CallAsync(token, "pull", "--quiet", source)).Split('\n')[^1];
            await CallAsync(token, "tag", id, reference);
            await CallAsync(token, ["push", "--quiet", "--digestfile", digest, .. Reach(endpoint), reference]);
            await CallAsync(token, "rmi", "--force", id);
        }

        return (await File.ReadAllTextAsync(digest, token)).Trim();
    }

    public override async Task<Pulled> PullAsync(Endpoint endpoint, string repository, string architecture, CancellationToken token)
    {
        var reference = Reference(endpoint, repository);
        var id = (await CallAsync(token, ["pull", "--quiet", "--arch", architecture, .. Reach(endpoint), reference])).Split('\n')[^1];
        var pulled = await InspectAsync(id, token);
        await CallAsync(token, "rmi", "--force", id);
        return pulled;
    }

    protected abstract Task<Pulled> InspectAsync(string id, CancellationToken token);

    protected static string[] Strings(JsonNode? array) => [.. array!.AsArray().Select(item => (string)item!)];

    protected Task<string> CallAsync(CancellationToken token, params IReadOnlyList<string> arguments) =>
        RunAsync(new ToolCall(Name, [.. _home.StorageOptions, .. arguments]) { Environment = _home.Environment }, token);

    private IEnumerable<string> Reach(Endpoint endpoint) =>
        ["--authfile", Path.Combine(DockerConfig.Write(Lab, endpoint), "config.json"), .. Skopeo.Trust("", endpoint)];
}

internal sealed class Podman(Lab lab) : PodmanFamily(lab, "podman")
{
    protected override async Task<Pulled> InspectAsync(string id, CancellationToken token)
    {
        var image = JsonNode.Parse(await CallAsync(token, "image", "inspect", id))![0]!;
        var names = Strings(image["RepoDigests"]).Select(name => name[(name.IndexOf('@') + 1)..]);
        return new Pulled([.. names], "sha256:" + (string)image["Id"]!, Strings(image["RootFS"]!["Layers"]), null);
    }
}

internal sealed class Buildah(Lab lab) : PodmanFamily(lab, "buildah")
{
    public override bool TellsIndex => false;

    protected override async Task<Pulled> InspectAsync(string id, CancellationToken token)
    {
        var image = JsonNode.Parse(await CallAsync(token, "inspect", "--type", "image", id))!;
        return new Pulled(
            [(string)image["FromImageDigest"]!], "sha256:" + (string)image["FromImageID"]!, Strings(image["OCIv1"]!["rootfs"]!["diff_ids"]), null);
    }
}
