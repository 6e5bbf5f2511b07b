using System.Text.Json.Nodes;
using EndToEnd.Clients;
using EndToEnd.Processes;

namespace EndToEnd.Images;

/// <summary>The images that tests push, each built once per run when the first test asks for it.</summary>
internal sealed class ImageShelf : IAsyncDisposable
{
    public const string Page = "Holdfast keeps what it accepts\n";
    private readonly Lab _lab;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lazy<Task<Image>> _busybox;
    private readonly Lazy<Task<Image>> _busyboxArm;
    private readonly Lazy<Task<Image>> _platforms;
    private readonly Lazy<Task<Image>> _attested;
    private readonly Lazy<Task<Image>> _manyLayers;
    private readonly Lazy<Task<Image>> _large;
    private readonly Lazy<Task<Image>> _minbase;

    public ImageShelf(Lab lab)
    {
        _lab = lab;
        _busybox = Once(token => BusyboxAsync("amd64", new DebianFiles(lab).BusyboxHereAsync, token));
        _busyboxArm = Once(token => BusyboxAsync("arm64", new DebianFiles(lab).BusyboxForArmAsync, token));
        _platforms = Once(PlatformsAsync);
        _attested = Once(AttestedAsync);
        _manyLayers = Once(ManyLayersAsync);
        _large = Once(LargeAsync);
        _minbase = Once(MinbaseAsync);
    }

    /// <summary>Busybox for this machine: two layers, a page, and a command that serves it.</summary>
    public Task<Image> Busybox => _busybox.Value;

    /// <summary>Busybox for amd64 and arm64 in one index.</summary>
    public Task<Image> Platforms => _platforms.Value;

    /// <summary>An index of busybox and an attestation about it, as BuildKit writes it.</summary>
    public Task<Image> Attested => _attested.Value;

    /// <summary>Busybox under 99 more layers.</summary>
    public Task<Image> ManyLayers => _manyLayers.Value;

    /// <summary>One layer of 1 GiB.</summary>
    public Task<Image> Large => _large.Value;

    /// <summary>Debian's smallest complete root.</summary>
    public Task<Image> Minbase => _minbase.Value;

    public ValueTask DisposeAsync()
    {
        _ended.Cancel();
        _ended.Dispose();
        return ValueTask.CompletedTask;
    }

    private Lazy<Task<Image>> Once(Func<CancellationToken, Task<Image>> build)
    {
        var token = _ended.Token;
        return new Lazy<Task<Image>>(() => Task.Run(() => build(token), token));
    }

    private async Task<Image> BusyboxAsync(string architecture, Func<CancellationToken, Task<string>> program, CancellationToken token)
    {
        Require.Programs("buildah");
        var root = _lab.NewFolder("root");
        Directory.CreateDirectory(Path.Combine(root, "bin"));
        File.Copy(await program(token), Path.Combine(root, "bin", "busybox"));
        File.CreateSymbolicLink(Path.Combine(root, "bin", "sh"), "busybox");
        var page = _lab.NewFolder("page");
        await File.WriteAllTextAsync(Path.Combine(page, "index.html"), Page, token);

        var buildah = new BuildahStore(_lab);
        var below = await buildah.FromAsync("scratch", token);
        await buildah.RunAsync(token, "add", below, root, "/");
        await buildah.RunAsync(token, "config", "--arch", architecture, "--os", "linux", below);
        var image = await buildah.RunAsync(token, "commit", "--quiet", below);
        var above = await buildah.FromAsync(image, token);
        await buildah.RunAsync(token, "add", above, page, "/www");
        await buildah.RunAsync(token, "config", "--arch", architecture, "--cmd", """["/bin/busybox","cat","/www/index.html"]""", above);
        return await buildah.ToLayoutAsync(await buildah.RunAsync(token, "commit", "--quiet", above), token);
    }

    private async Task<Image> PlatformsAsync(CancellationToken token)
    {
        var layout = new OciLayout(_lab.NewFolder("image"));
        var index = Index(
            (layout.Include((await _busybox.Value).Layout), Platform("linux", "amd64"), null),
            (layout.Include((await _busyboxArm.Value).Layout), Platform("linux", "arm64"), null));
        layout.Tag(layout.Add(OciLayout.ImageIndex, index), Image.Tag);
        return new Image(layout);
    }

    private async Task<Image> AttestedAsync(CancellationToken token)
    {
        var layout = new OciLayout(_lab.NewFolder("image"));
        var image = layout.Include((await _busybox.Value).Layout);
        var statement = layout.Add("application/vnd.in-toto+json", new JsonObject
        {
            ["_type"] = "https://in-toto.io/Statement/v0.1",
            ["predicateType"] = "https://slsa.dev/provenance/v0.2",
            ["subject"] = new JsonArray(new JsonObject { ["digest"] = new JsonObject { ["sha256"] = image.Digest["sha256:".Length..] } }),
        });
        var config = layout.Add(OciLayout.ImageConfig, new JsonObject
        {
            ["architecture"] = "unknown",
            ["os"] = "unknown",
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(statement.Digest) },
        });
        var index = Index(
            (image, Platform("linux", "amd64"), null),
            (layout.AddManifest(config, [statement]), Platform("unknown", "unknown"), new JsonObject
            {
                ["vnd.docker.reference.type"] = "attestation-manifest",
                ["vnd.docker.reference.digest"] = image.Digest,
            }));
        layout.Tag(layout.Add(OciLayout.ImageIndex, index), Image.Tag);
        return new Image(layout);
    }

    private async Task<Image> ManyLayersAsync(CancellationToken token)
    {
        var layout = new OciLayout(_lab.NewFolder("image"));
        var busybox = new Image((await _busybox.Value).Layout);
        layout.Include(busybox.Layout);
        var layers = layout.Read(busybox.Digest)["layers"]!.AsArray().Take(1)
            .Select(layer => new Content((string)layer!["mediaType"]!, (string)layer["digest"]!, (long)layer["size"]!)).ToList();
        var diffIds = busybox.DiffIdsOf(busybox.Digest).Take(1).ToList();
        for (var i = layers.Count; i < 100; i++)
        {
            var (layer, diffId) = Layers.OfFile($"layer-{i}", $"layer {i}\n");
            layers.Add(layout.Add(OciLayout.GzipLayer, layer));
            diffIds.Add(diffId);
        }

        layout.Tag(layout.AddManifest(Config(layout, diffIds), layers), Image.Tag);
        return new Image(layout);
    }

    private async Task<Image> LargeAsync(CancellationToken token)
    {
        var layout = new OciLayout(_lab.NewFolder("image"));
        var file = Path.Combine(layout.Folder, "noise");
        var digest = await Layers.WriteNoiseAsync(file, 1L << 30, seed: 2, token);
        var layer = layout.Adopt(OciLayout.PlainLayer, file, digest);
        layout.Tag(layout.AddManifest(Config(layout, [digest]), [layer]), Image.Tag);
        return new Image(layout);
    }

    private async Task<Image> MinbaseAsync(CancellationToken token)
    {
        var tar = await new DebianFiles(_lab).MinbaseAsync(token);
        var buildah = new BuildahStore(_lab);
        var container = await buildah.FromAsync("scratch", token);
        await buildah.RunAsync(token, "add", container, tar, "/");
        await buildah.RunAsync(token, "config", "--cmd", """["/bin/cat","/etc/debian_version"]""", container);
        return await buildah.ToLayoutAsync(await buildah.RunAsync(token, "commit", "--quiet", container), token);
    }

    /// <summary>A config for an image that was not built but put together.</summary>
    public static Content Config(OciLayout layout, IEnumerable<string> diffIds) =>
        layout.Add(OciLayout.ImageConfig, new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Cmd"] = new JsonArray("/bin/busybox", "true") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. diffIds.Select(id => (JsonNode)id)]) },
        });

    private static JsonObject Platform(string system, string architecture) => new() { ["architecture"] = architecture, ["os"] = system };

    private static JsonObject Index(params IEnumerable<(Content Manifest, JsonObject Platform, JsonObject? Annotations)> children)
    {
        var manifests = new JsonArray();
        foreach (var (manifest, platform, annotations) in children)
        {
            var descriptor = manifest.ToJson();
            descriptor["platform"] = platform;
            if (annotations is not null)
            {
                descriptor["annotations"] = annotations;
            }

            manifests.Add(descriptor);
        }

        return new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = OciLayout.ImageIndex, ["manifests"] = manifests };
    }
}
