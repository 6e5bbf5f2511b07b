using System.Text.Json.Nodes;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The real `holdfast import` on file systems of its own: those that share blocks, and one that is really full.</summary>
public sealed class ImportDiskTests(Lab lab)
{
    private const int LayerBytes = 8 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task Import_WhereTheFileSystemHasReflinks_SharesTheBlocksAndNothingElse(string kind)
    {
        var disk = await Mounts.ImageAsync(lab, kind, mebibytes: 512, Token);
        await using var registry = await FilledAsync(images: 6);
        var source = Path.Combine(disk, "old");
        await new ToolCall("cp", "-a", DataOf(registry), source).OutputAsync(Token);
        await new ToolCall("sync", "-f", disk).OutputAsync(Token);
        var data = Directory.CreateDirectory(Path.Combine(disk, "holdfast")).FullName;
        // The first start makes the database and sets room aside; what the import takes is measured from there.
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data }, Token);
        await new ToolCall("sync", "-f", disk).OutputAsync(Token);
        var before = new DriveInfo(disk).AvailableFreeSpace;

        var (exitCode, json) = await ImportAsync(source, "--data", data, "--registry", "plain", "--link", "auto");

        exitCode.ShouldBe(0, json);
        var blobs = JsonNode.Parse(json)!["blobs"]!;
        ((long)blobs["reflinks"]!, (long)blobs["hardLinks"]!, (long)blobs["copies"]!).ShouldBe((12, 0, 0));
        await new ToolCall("sync", "-f", disk).OutputAsync(Token);
        (before - new DriveInfo(disk).AvailableFreeSpace).ShouldBeLessThan(2L * LayerBytes, "six layers would be 48 MiB if they were copied");
        // Unlike a hard link: what is written over the old file doesn't reach ours.
        foreach (var file in Directory.GetFiles(Path.Combine(source, "docker"), "data", SearchOption.AllDirectories))
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Write);
            stream.Write(new byte[100]);
        }

        await ShouldVerifyAsync(server);
    }

    [Fact]
    public async Task Import_ReflinksAskedForWhereThereAreNone_SaysSoAndTakesNothing()
    {
        var disk = await Mounts.ImageAsync(lab, "ext4", mebibytes: 256, Token);
        await using var registry = await FilledAsync(images: 1);
        await new ToolCall("cp", "-a", DataOf(registry), Path.Combine(disk, "old")).OutputAsync(Token);
        var configuration = await ConfigureAsync();
        var data = Path.Combine(disk, "holdfast");

        var refused = await RunAsync(Path.Combine(disk, "old"), "--data", data, "--config", configuration, "--link", "reflink");
        var (exitCode, json) = await ImportAsync(Path.Combine(disk, "old"), "--data", data, "--config", configuration);

        refused.ExitCode.ShouldBe(2, refused.ToString());
        refused.Error.ShouldContain("the file system has no reflinks; take --link auto");
        exitCode.ShouldBe(0, json);
        var blobs = JsonNode.Parse(json)!["blobs"]!;
        ((long)blobs["reflinks"]!, (long)blobs["hardLinks"]!, (long)blobs["copies"]!).ShouldBe((0, 2, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Promise("P1")]
    [Promise("P10")]
    public async Task Import_OntoADiskThatFillsUp_SaysSoStoresNothingByHalvesAndFinishesWhenThereIsRoom(bool isServed)
    {
        var disk = await Mounts.TmpfsAsync(lab, mebibytes: 64, Token);
        await using var registry = await FilledAsync(images: 12);
        var data = Path.Combine(disk, "holdfast");
        var settings = new HoldfastSettings { Data = data, Reserve = "0" };
        await using var server = isServed ? await HoldfastProcess.StartAsync(lab, settings, Token) : null;
        string[] arguments = [DataOf(registry), "--data", data, "--config", await ConfigureAsync(), .. isServed ? (string[])["--registry", "plain"] : []];

        var full = await RunAsync(arguments);

        full.ExitCode.ShouldBe(2, full.ToString());
        full.Error.ShouldContain("free some room, then run this again");
        Directory.GetFiles(Path.Combine(data, "uploads")).ShouldBeEmpty("what did not become a blob is removed");
        await ShouldBeWholeAsync(server, settings);
        await Mounts.ResizeAsync(disk, 256, Token);
        var (exitCode, json) = await ImportAsync(arguments);
        exitCode.ShouldBe(0, json);
        // All twelve, by both runs; what the first had taken was not taken again.
        var report = JsonNode.Parse(json)!;
        ((int)report["tags"]! + (int)report["alreadyThere"]!).ShouldBe(12);
        await ShouldBeWholeAsync(server, settings, tags: 12);
    }

    private async Task ShouldBeWholeAsync(HoldfastProcess? running, HoldfastSettings settings, int? tags = null)
    {
        await using var started = running is null ? await HoldfastProcess.StartAsync(lab, settings, Token) : null;
        await ShouldVerifyAsync((running ?? started)!, tags);
    }

    private static async Task ShouldVerifyAsync(HoldfastProcess server, int? tags = null)
    {
        var result = await new ToolCall(HoldfastProcess.Executable, "verify", "--json", server.For(Mode.Plain).Host).RunAsync(Token);
        var report = JsonNode.Parse(result.Output)!;
        report["findings"]!.AsArray().ShouldBeEmpty(result.ToString());
        if (tags is { } all)
        {
            ((int)report["checked"]!["roots"]!).ShouldBe(all);
        }
    }

    /// <summary>A registry with so many images of one layer of 8 MiB.</summary>
    private async Task<DebianRegistry> FilledAsync(int images)
    {
        var registry = await DebianRegistry.StartAsync(lab, Token);
        for (var i = 0; i < images; i++)
        {
            var layout = new OciLayout(lab.NewFolder("big"));
            var file = Path.Combine(layout.Folder, "noise");
            var digest = await Layers.WriteNoiseAsync(file, LayerBytes, seed: i, Token);
            layout.Tag(layout.AddManifest(ImageShelf.Config(layout, [digest]), [layout.Adopt(OciLayout.PlainLayer, file, digest)]), Image.Tag);
            await registry.PushAsync(layout, $"team/app{i}", "v1", Token);
        }

        return registry;
    }

    private async Task<string> ConfigureAsync()
    {
        var file = Path.Combine(lab.NewFolder("configured"), "holdfast.yaml");
        await File.WriteAllTextAsync(file, "registries: { plain: {} }\nlisteners: [ { url: \"http://127.0.0.1:0\", registry: plain } ]\ndisk: { reserve: 0 }\n", Token);
        return file;
    }

    private static string DataOf(DebianRegistry registry) => Path.GetFullPath(Path.Combine(registry.Root, "../../.."));

    private static async Task<(int ExitCode, string Output)> ImportAsync(params string[] arguments)
    {
        var result = await RunAsync(["--json", .. arguments]);
        return (result.ExitCode, result.Output.Length > 0 ? result.Output : result.ToString());
    }

    private static Task<ToolResult> RunAsync(params string[] arguments)
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        // HOLDFAST_EXE is for the tests; to the program it would be a key that its configuration doesn't know.
        return new ToolCall("env", ["-u", "HOLDFAST_EXE", HoldfastProcess.Executable, "import", .. arguments]).RunAsync(Token);
    }
}
