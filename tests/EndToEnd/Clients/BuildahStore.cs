using EndToEnd.Images;
using EndToEnd.Processes;

namespace EndToEnd.Clients;

/// <summary>Buildah with storage of its own, as a builder of images.</summary>
internal sealed class BuildahStore(Lab lab)
{
    private readonly ContainersHome _home = new(lab);

    public Task<string> FromAsync(string image, CancellationToken token) => RunAsync(token, "from", image);

    public Task<string> RunAsync(CancellationToken token, params IReadOnlyList<string> arguments) =>
        new ToolCall("buildah", [.. _home.StorageOptions, .. arguments]) { Environment = _home.Environment }.OutputAsync(token);

    /// <summary>The image in an OCI layout, with gzipped layers.</summary>
    public async Task<Image> ToLayoutAsync(string image, CancellationToken token)
    {
        var folder = lab.NewFolder("image");
        await RunAsync(token, "push", "--quiet", image, $"oci:{folder}:{Image.Tag}");
        return new Image(new OciLayout(folder));
    }
}
