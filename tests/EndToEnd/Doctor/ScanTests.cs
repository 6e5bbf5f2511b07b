using System.Net;
using System.Text.Json.Nodes;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Doctor;

/// <summary>Every kind of damage, made by the real registry's own means and by faults of files, on images that real clients pushed.</summary>
public sealed class ScanTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scan_HostedRegistry_TellsEachKindOfDamageApart()
    {
        Require.Programs("docker-registry", "skopeo", "buildah");
        var attested = await lab.Images.Attested;
        var busybox = await lab.Images.Busybox;
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        foreach (var client in new Client[] { new Skopeo(lab), new Crane(lab), new Podman(lab) })
        {
            Require.Programs([.. client.Programs]);
            await client.PushAsync(registry.Endpoint, attested, $"swept/by-{client.Name}", Token);
        }

        await registry.CollectAsync(Token);
        await registry.StopAsync();
        await registry.StartAsync(Token);
        var expected = new List<(string Kind, string Repository, string Link)>();
        foreach (var client in new[] { "skopeo", "crane", "podman" })
        {
            expected.AddRange([("shell", $"swept/by-{client}", "collected"), ("shell", $"swept/by-{client}", "collected")]);
        }

        var skopeo = new Skopeo(lab);
        foreach (var repository in new[] { "whole", "child", "layer", "tag", "newline", "untagged" })
        {
            await skopeo.PushAsync(registry.Endpoint, SmallImages.Create(lab, repository, children: 2), repository, Token);
        }

        var child = SmallImages.Create(lab, "child", 2).Children.First();
        await registry.DeleteAsync($"child/manifests/{child}", Token);
        expected.Add(("unlinked", "child", "deleted"));
        var layer = SmallImages.Create(lab, "layer", 2);
        await registry.DeleteAsync($"layer/blobs/{layer.LayersOf(layer.Children.First()).Last()}", Token);
        expected.Add(("unlinked", "layer", "present"));
        Directory.Delete(registry.PathOf("repositories/tag/_manifests/tags/1/current"), recursive: true);
        expected.Add(("tag", "tag", "collected"));
        await File.AppendAllTextAsync(registry.RevisionFolder("newline", SmallImages.Create(lab, "newline", 2).Children.First()) + "/link", "\n", Token);
        expected.Add(("unlinked", "newline", "bad"));
        // As the cleanup script does it: the manifest stays, and nobody misses anything.
        Directory.Delete(registry.PathOf("repositories/untagged/_manifests/tags/1"), recursive: true);

        await AddFileFaultsAsync(registry, busybox, expected);
        await AddUploadAsync(registry);

        var report = await DoctorCall.JsonAsync(1, Token, "scan", registry.Data);
        DoctorCall.Findings(report).Where(finding => (string)finding["kind"]! != "data")
            .Select(finding => ((string)finding["kind"]!, (string)finding["repository"]!, (string)finding["link"]!)).ShouldBe(expected, ignoreOrder: true);
        DoctorCall.Findings(report).Where(finding => (string)finding["kind"]! == "data").Select(finding => (string)finding["missing"]![0]!["state"]!)
            .ShouldBe(["zero-length", "wrong-hash"], ignoreOrder: true);
        var counts = report["registries"]![0]!["counts"]!;
        ((int)counts["uploads"]!, (int)counts["deletedLinks"]!).ShouldBe((1, 2));
        (await DoctorCall.RunAsync(Token, "scan", registry.Data)).Output.ShouldContain("holdfast repair DIR --apply");
        // What the registry's purging does, which waits up to an hour before it begins.
        Directory.Delete(Directory.GetDirectories(registry.PathOf("repositories/whole/_uploads")).ShouldHaveSingleItem(), recursive: true);
        var purged = await DoctorCall.JsonAsync(1, Token, "scan", registry.Data);
        ((int)purged["registries"]![0]!["counts"]!["uploads"]!, (int)purged["findings"]!).ShouldBe((0, (int)report["findings"]!));
        await ShouldAgreeAsync(registry, report);
    }

    [Fact]
    public async Task Scan_CollectionBesideAPush_FindsTheImageThatWasAcceptedWithoutItsLayers()
    {
        Require.Programs("docker-registry");
        var image = SmallImages.Create(lab, "late", children: 0);
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        using var raw = new RawRegistry(registry.Endpoint);
        foreach (var blob in image.LayersOf(image.Digest).Append(image.ConfigOf(image.Digest)))
        {
            using var begun = await raw.SendAsync(HttpMethod.Post, "v2/late/blobs/uploads/", Token);
            var content = await File.ReadAllBytesAsync(image.Layout.PathOf(blob), Token);
            using var sent = await raw.SendAsync(HttpMethod.Put, $"{begun.Headers.Location!.OriginalString}&digest={blob}", Token, () => new ByteArrayContent(content));
            sent.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        await registry.CollectAsync(Token);

        // The registry remembers the blobs and takes the manifest.
        using var put = await raw.SendAsync(
            HttpMethod.Put, "v2/late/manifests/1", Token,
            () => new ByteArrayContent(File.ReadAllBytes(image.Layout.PathOf(image.Digest))) { Headers = { ContentType = new(OciLayout.ImageManifest) } });
        put.StatusCode.ShouldBe(HttpStatusCode.Created);

        var finding = DoctorCall.Findings(await DoctorCall.JsonAsync(1, Token, "scan", registry.Data)).ShouldHaveSingleItem();
        ((string)finding["kind"]!, (string)finding["link"]!, finding["missing"]!.AsArray().Count).ShouldBe(("shell", "present", 3));
    }

    [Fact]
    public async Task Scan_WhileClientsPush_FindsNothing()
    {
        Require.Programs("docker-registry", "skopeo");
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        var skopeo = new Skopeo(lab);
        await skopeo.PushAsync(registry.Endpoint, SmallImages.Create(lab, "first", 2), "first", Token);
        var pushing = Task.WhenAll(Enumerable.Range(0, 2).Select(async pusher =>
        {
            for (var i = 0; i < 8; i++)
            {
                await skopeo.PushAsync(registry.Endpoint, SmallImages.Create(lab, $"p{pusher}-{i}", 2), $"p{pusher}/r{i % 3}", Token);
            }
        }));
        while (!pushing.IsCompleted)
        {
            var result = await DoctorCall.RunAsync(Token, "scan", registry.Data);
            result.ExitCode.ShouldBe(0, result.ToString());
        }

        await pushing;
    }

    [Fact]
    public async Task Scan_CacheThatFetchedOnePlatform_FindsNothingUntilAFileIsDamaged()
    {
        Require.Programs("docker-registry", "skopeo", "containerd", "ctr");
        await using var upstream = await OldRegistry.StartAsync(lab, Token);
        await using var cache = await OldRegistry.StartAsync(lab, Token, upstream: upstream.Endpoint);
        var platforms = await lab.Images.Platforms;
        await new Skopeo(lab).PushAsync(upstream.Endpoint, platforms, "library/busybox", Token);
        await using var ctr = new Ctr(lab);
        await ctr.PullAsync(cache.Endpoint, "library/busybox", "amd64", Token);
        await upstream.StopAsync();
        // A new cache writes what tells it from a hosted registry within some seconds.
        while (!File.Exists(Path.Combine(cache.Data, "scheduler-state.json")))
        {
            await Task.Delay(100, Token);
        }

        var report = await DoctorCall.JsonAsync(0, Token, "scan", cache.Data);
        var registry = report["registries"]![0]!;
        ((string)registry["kind"]!, (int)registry["counts"]!["absentChildren"]!).ShouldBe(("cache", 1));
        (await DoctorCall.RunAsync(Token, "scan", cache.Data, "--hosted", ".")).ExitCode.ShouldBe(1, "told that it is hosted, the absent platform is a finding");

        var layer = cache.DataFile(platforms.LayersOf(platforms.DigestFor("amd64")).First());
        File.SetUnixFileMode(layer, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(layer, [], Token);
        DoctorCall.Findings(await DoctorCall.JsonAsync(1, Token, "scan", cache.Data)).ShouldHaveSingleItem()["kind"]!.GetValue<string>().ShouldBe("data");
    }

    [Fact]
    public async Task Scan_UserWithoutPermission_SaysWhoMayRead()
    {
        Require.Root();
        Require.Programs("docker-registry", "skopeo", "setpriv");
        await using var registry = await OldRegistry.StartAsync(lab, Token);
        await new Skopeo(lab).PushAsync(registry.Endpoint, SmallImages.Create(lab, "app", 0), "app", Token);
        // Readable up to the registry itself, whose blobs alone are not.
        await new ToolCall("chmod", "-R", "go+rX", registry.Data).OutputAsync(Token);
        File.SetUnixFileMode(registry.PathOf("blobs/sha256"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var scan = new ToolCall("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", HoldfastProcess.Executable, "scan", registry.Data);

        var some = await scan.RunAsync(Token);
        some.ExitCode.ShouldBe(1, some.ToString());
        some.Output.ShouldContain("unreadable");
        some.Output.ShouldNotContain("gone");
        File.SetUnixFileMode(registry.PathOf(""), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var none = await scan.RunAsync(Token);
        none.ExitCode.ShouldBe(2, none.ToString());
        none.Error.ShouldContain("run this as root");
    }

    [Fact]
    public async Task Scan_FolderOfNoRegistry_SaysWhatToName()
    {
        var result = await DoctorCall.RunAsync(Token, "scan", lab.NewFolder("none"));
        (result.ExitCode, result.Output).ShouldBe((2, ""));
        result.Error.ShouldContain("rootdirectory");
    }

    private async Task AddFileFaultsAsync(OldRegistry registry, Image busybox, List<(string, string, string)> expected)
    {
        var skopeo = new Skopeo(lab);
        await skopeo.PushAsync(registry.Endpoint, busybox, "zero", Token);
        await File.WriteAllBytesAsync(registry.DataFile(busybox.LayersOf(busybox.Digest).First()), [], Token);
        var flipped = SmallImages.Create(lab, "flipped", children: 0);
        await skopeo.PushAsync(registry.Endpoint, flipped, "flipped", Token);
        var file = registry.DataFile(flipped.LayersOf(flipped.Digest).Last());
        var bytes = await File.ReadAllBytesAsync(file, Token);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, Token);
        var gone = SmallImages.Create(lab, "gone", children: 1);
        await skopeo.PushAsync(registry.Endpoint, gone, "gone", Token);
        Directory.Delete(Path.GetDirectoryName(registry.DataFile(gone.Children.Single()))!, recursive: true);
        expected.AddRange([("shell", "zero", "present"), ("shell", "flipped", "present"), ("gone", "gone", "present")]);
    }

    private static async Task AddUploadAsync(OldRegistry registry)
    {
        using var raw = new RawRegistry(registry.Endpoint);
        using var begun = await raw.SendAsync(HttpMethod.Post, "v2/whole/blobs/uploads/", Token);
        begun.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var sent = await raw.SendAsync(HttpMethod.Patch, begun.Headers.Location!.OriginalString, Token, () => new ByteArrayContent(new byte[1000]));
        sent.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    // The registry, started anew, is asked for every manifest that the scan names: none can be had whole.
    private static async Task ShouldAgreeAsync(OldRegistry registry, JsonNode report)
    {
        await registry.StopAsync();
        await registry.StartAsync(Token);
        using var raw = new RawRegistry(registry.Endpoint);
        foreach (var finding in DoctorCall.Findings(report).Where(finding => (string)finding["kind"]! is "shell" or "gone" or "unlinked"))
        {
            (await IsWholeAsync(raw, (string)finding["repository"]!, (string)finding["digest"]!)).ShouldBeFalse($"{finding}");
        }

        (await IsWholeAsync(raw, "whole", Image.Tag)).ShouldBeTrue();
    }

    private static async Task<bool> IsWholeAsync(RawRegistry raw, string repository, string reference)
    {
        try
        {
            await raw.ReadClosureAsync(repository, reference, Token);
            return true;
        }
        catch (Exception e) when (e is ShouldAssertException or HttpRequestException or IOException)
        {
            return false;
        }
    }
}
