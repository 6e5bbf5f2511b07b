using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Doctor;

/// <summary>A registry whose indexes were swept gets everything back from a donor of each kind; docker, podman and containerd then pull it from that registry.</summary>
public sealed class RepairTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("registry")]
    [InlineData("folder")]
    [InlineData("layout")]
    [InlineData("archive")]
    [InlineData("containerd")]
    public async Task Repair_SweptRegistry_GivesEveryClientEverythingAgain(string kind)
    {
        Require.Root();
        Require.Programs("docker-registry", "skopeo", "docker", "dockerd", "podman", "containerd", "ctr");
        var (attested, platforms, busybox) = (await lab.Images.Attested, await lab.Images.Platforms, await lab.Images.Busybox);
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        var skopeo = new Skopeo(lab);
        await skopeo.PushAsync(registry.Endpoint, attested, "e2e/attested", Token);
        await new Podman(lab).PushAsync(registry.Endpoint, platforms, "e2e/platforms", Token);
        await skopeo.PushAsync(registry.Endpoint, busybox, "e2e/busybox", Token);
        var closures = new List<(string Repository, Closure Closure)>();
        foreach (var repository in new[] { "e2e/attested", "e2e/platforms", "e2e/busybox" })
        {
            closures.Add((repository, await ReadAsync(registry, repository)));
        }

        await using var donor = await DonorAsync(kind, registry, [attested, platforms, busybox]);
        await BreakAsync(registry, attested);

        (await DoctorCall.RunAsync(Token, "scan", registry.Data)).ExitCode.ShouldBe(1);
        string[] repair = ["repair", registry.Data, .. donor.Arguments];
        var dry = await DoctorCall.JsonAsync(0, Token, repair);
        ((bool)dry["applied"]!, (bool)dry["upgradeUnsafe"]!).ShouldBe((false, true));
        var refused = await DoctorCall.RunAsync(Token, [.. repair, "--apply"]);
        refused.ExitCode.ShouldBe(2, refused.ToString());
        refused.Error.ShouldContain($"process {registry.Id}");
        (await DoctorCall.RunAsync(Token, "scan", registry.Data)).ExitCode.ShouldBe(1, "nothing was to be written");

        await registry.StopAsync();
        var done = await DoctorCall.RunAsync(Token, [.. repair, "--apply"]);
        done.ExitCode.ShouldBe(0, done.ToString());
        done.Output.ShouldContain("restart the registry");
        (await DoctorCall.RunAsync(Token, "scan", registry.Data)).ExitCode.ShouldBe(0);
        await registry.StartAsync(Token);
        await ShouldPullAsync(registry, closures, platforms);
    }

    [Fact]
    public async Task Repair_ArchiveOfDockerSave_GivesItsUnpackedLayersAndConfig()
    {
        Require.Programs("docker-registry", "skopeo");
        var layout = new OciLayout(lab.NewFolder("plain"));
        var file = Path.Combine(layout.Folder, "noise");
        var digest = await Layers.WriteNoiseAsync(file, 1 << 20, seed: 7, Token);
        layout.Tag(layout.AddManifest(ImageShelf.Config(layout, [digest]), [layout.Adopt(OciLayout.PlainLayer, file, digest)]), Image.Tag);
        var image = new Image(layout);
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        await new Skopeo(lab).PushAsync(registry.Endpoint, image, "e2e/plain", Token);
        var archive = Path.Combine(lab.NewFolder("archive"), "image.tar");
        await new ToolCall("skopeo", "copy", "--quiet", $"oci:{layout.Folder}:{Image.Tag}", $"docker-archive:{archive}:plain:1").OutputAsync(Token);
        foreach (var lost in image.LayersOf(image.Digest).Append(image.ConfigOf(image.Digest)))
        {
            File.Delete(registry.DataFile(lost));
        }

        await registry.StopAsync();
        var done = await DoctorCall.RunAsync(Token, "repair", registry.Data, "--donor", archive, "--apply");
        done.ExitCode.ShouldBe(0, done.ToString());
        await registry.StartAsync(Token);
        await ReadAsync(registry, "e2e/plain");
    }

    [Fact]
    public async Task Repair_UndoneWhileRunning_LeavesTheFolderAsItWas()
    {
        Require.Programs("docker-registry", "skopeo");
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        var image = SmallImages.Create(lab, "app", children: 2);
        await new Skopeo(lab).PushAsync(registry.Endpoint, image, "app", Token);
        var copy = await registry.CopyDataAsync(Token);
        await registry.CollectAsync(Token);
        var broken = await registry.CopyDataAsync(Token);

        var done = await DoctorCall.RunAsync(Token, "repair", registry.Data, "--donor", copy, "--apply", "--while-running");
        done.ExitCode.ShouldBe(0, done.ToString());
        var undone = await DoctorCall.RunAsync(Token, "repair", registry.Data, "--undo", "--apply", "--while-running");
        undone.ExitCode.ShouldBe(0, undone.ToString());
        await new ToolCall("diff", "-r", Path.Combine(broken, "docker"), Path.Combine(registry.Data, "docker")).OutputAsync(Token);
    }

    private static async Task<Closure> ReadAsync(OldRegistry registry, string repository)
    {
        using var raw = new RawRegistry(registry.Endpoint);
        return await raw.ReadClosureAsync(repository, Image.Tag, Token);
    }

    private static async Task BreakAsync(OldRegistry registry, Image attested)
    {
        await registry.CollectAsync(Token);
        // What the collection left, damaged by hand: a layer without a byte, and a child's manifest.
        await File.WriteAllBytesAsync(registry.DataFile(attested.LayersOf(attested.DigestFor("amd64")).First()), [], Token);
        File.Delete(registry.DataFile(attested.DigestFor("unknown")));
        await registry.StopAsync();
        await registry.StartAsync(Token);
    }

    private async Task ShouldPullAsync(OldRegistry registry, List<(string Repository, Closure Closure)> closures, Image platforms)
    {
        await using var docker = new Docker(lab);
        await using var podman = new Podman(lab);
        await using var ctr = new Ctr(lab);
        foreach (var (repository, closure) in closures)
        {
            (await ReadAsync(registry, repository)).Digests.ShouldBe(closure.Digests, ignoreOrder: true);
            foreach (var client in new Client[] { docker, podman, ctr })
            {
                foreach (var architecture in repository == "e2e/platforms" ? (string[])["amd64", "arm64"] : ["amd64"])
                {
                    (await client.PullAsync(registry.Endpoint, repository, architecture, Token)).Manifests.ShouldBeSubsetOf(closure.Digests, $"{client} pulled {repository}");
                }
            }
        }

        platforms.Children.ShouldBeSubsetOf(closures[1].Closure.Digests);
    }

    private async Task<Donor> DonorAsync(string kind, OldRegistry registry, Image[] images)
    {
        switch (kind)
        {
            case "registry":
                var other = await OldRegistry.StartAsync(lab, Token, data: await registry.CopyDataAsync(Token));
                return new Donor([other.Endpoint.Host], other);
            case "folder":
                return new Donor([await registry.CopyDataAsync(Token)], null);
            case "layout":
                return new Donor([.. images.Select(image => image.Layout.Folder)], null);
            case "archive":
                var archives = images.Select(image => image.Layout.Folder + ".tar").ToList();
                foreach (var (image, archive) in images.Zip(archives))
                {
                    await new ToolCall("tar", "-cf", archive, "-C", image.Layout.Folder, ".").OutputAsync(Token);
                }

                return new Donor(archives, null);
            default:
                var containerd = await Containerd.StartAsync(lab, Token);
                foreach (var name in new[] { "attested", "platforms", "busybox" })
                {
                    await new ToolCall("ctr", "--address", containerd.Socket, "content", "fetch", "--plain-http", "--all-platforms", $"{registry.Endpoint.Host}/e2e/{name}:{Image.Tag}").OutputAsync(Token);
                }

                return new Donor([containerd.Root], containerd);
        }
    }

    private sealed record Donor(IReadOnlyList<string> Sources, IAsyncDisposable? Owner) : IAsyncDisposable
    {
        public IEnumerable<string> Arguments => Sources.SelectMany(source => (string[])["--donor", source]);

        public ValueTask DisposeAsync() => Owner?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
