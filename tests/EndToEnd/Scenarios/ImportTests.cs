using System.Text.Json.Nodes;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The real `holdfast import` from the real docker-registry: by its folder and by its address, beside both while they run.</summary>
public sealed class ImportTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P5")]
    public async Task Import_OfAFolderThatClientsPushedTo_IsPulledByThemByTagAndDigestWithoutTheOldRegistry()
    {
        await using var docker = new Docker(lab);
        await using var podman = new Podman(lab);
        await using var ctr = new Ctr(lab);
        await using var skopeo = new Skopeo(lab);
        Client[] clients = [docker, podman, ctr, skopeo];
        Require.Programs([.. clients.SelectMany(client => client.Programs)]);
        var image = await lab.Images.Busybox;
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        var closures = new Dictionary<string, Closure>(StringComparer.Ordinal);
        foreach (var pusher in clients)
            closures[$"e2e/by-{pusher.Name}"] = await new Exchange(registry.Endpoint, image, Token).PushAsync(pusher, $"e2e/by-{pusher.Name}");
        var data = lab.NewFolder("import");
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data }, Token);

        var (exitCode, json) = await ImportAsync(DataOf(registry), "--data", data, "--registry", "plain");

        exitCode.ShouldBe(0, json.ToJsonString());
        ((long)json["blobs"]!["copies"]!).ShouldBe(0, "both folders are on one file system");
        await registry.DisposeAsync();
        Directory.Delete(DataOf(registry), recursive: true);
        var endpoint = server.For(Mode.Plain);
        var exchange = new Exchange(endpoint, image, Token);
        foreach (var (repository, closure) in closures)
        {
            foreach (var puller in clients)
                await exchange.PullAsync(puller, repository, "amd64", closure);
            await new ToolCall("skopeo", "copy", "-q", "--src-tls-verify=false", $"docker://{endpoint.Host}/{repository}@{closure.Manifest}", $"dir:{lab.NewFolder("by-digest")}")
                .OutputAsync(Token);
        }
        await ShouldVerifyAsync(endpoint.Host);
    }

    [Fact]
    public async Task Import_ByAddress_TakesIndexesWithAllThatTheyListAndOnlyTheRestTheNextTime()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        for (var i = 0; i < 4; i++)
            await registry.PushAsync(RandomImage.Index(lab, i * 10), $"team/app{i}", "v1", Token);
        var data = lab.NewFolder("import");
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data }, Token);
        string[] target = ["--data", data, "--registry", "plain"];

        var (exitCode, first) = await ImportAsync([registry.Endpoint.Host, "--repository", "team/*", .. target]);
        await registry.PushAsync(RandomImage.Index(lab, 90), "team/late", "v1", Token);
        var (again, second) = await ImportAsync([registry.Endpoint.Host, .. target]);

        (exitCode, again).ShouldBe((0, 0), first.ToJsonString());
        ((int)first["tags"]!, (int)first["manifests"]!).ShouldBe((4, 16));
        ((int)second["tags"]!, (int)second["manifests"]!).ShouldBe((1, 4));
        await ShouldVerifyAsync(server.For(Mode.Plain).Host);
    }

    [Fact]
    [Promise("P2")]
    public async Task Import_OfADamagedFolder_ListsWhatIsNotWholeAndTakesTheRest()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        var layouts = new Dictionary<string, OciLayout>(StringComparer.Ordinal);
        foreach (var (name, seed) in new[] { ("whole", 0), ("deleted-layer", 10), ("flipped", 20), ("empty", 30), ("deleted-child", 40), ("cut", 50) })
            await registry.PushAsync(layouts[name] = RandomImage.Index(lab, seed), $"team/{name}", "v1", Token);
        File.Delete(registry.DataOf(LayerOf(layouts["deleted-layer"])));
        await FlipAsync(registry.DataOf(LayerOf(layouts["flipped"])));
        await File.WriteAllBytesAsync(registry.DataOf(LayerOf(layouts["empty"])), [], Token);
        File.Delete(registry.DataOf(ChildOf(layouts["deleted-child"])));
        await File.WriteAllTextAsync(registry.DataOf(LayerOf(layouts["cut"])), "cut", Token);
        var data = lab.NewFolder("import");

        var (dry, _) = await ImportAsync(DataOf(registry), "--data", data, "--dry-run");
        var (exitCode, json) = await ImportAsync(DataOf(registry), "--data", data);

        (dry, exitCode).ShouldBe((1, 1));
        json["findings"]!.AsArray().Where(finding => finding!["tag"] is not null).Select(finding => (string)finding!["repository"]!)
            .ShouldBe(["team/deleted-layer", "team/flipped", "team/empty", "team/deleted-child", "team/cut"], ignoreOrder: true);
        ((int)json["tags"]!).ShouldBe(1);
    }

    [Fact]
    public async Task Import_OfARegistryThatCollectsAndTakesTheSameAgain_KeepsItsOwn()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        var layout = RandomImage.Index(lab, 0);
        await registry.PushAsync(layout, "team/app", "v1", Token);
        var data = lab.NewFolder("import");
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data }, Token);
        (await ImportAsync(DataOf(registry), "--data", data, "--registry", "plain", "--trust")).ExitCode.ShouldBe(0);

        // The same files, by their own names, are deleted, swept and written anew by the old registry; ours are not its business.
        await registry.CollectAsync(Token, "-m");
        await registry.RestartAsync(Token);
        await ShouldVerifyAsync(server.For(Mode.Plain).Host);
        await registry.PushAsync(layout, "team/app", "v1", Token);
        await ShouldVerifyAsync(server.For(Mode.Plain).Host);
    }

    [Fact]
    [Promise("P1")]
    public async Task Import_KilledAndRunAgain_TakesTheRest()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        for (var i = 0; i < 40; i++)
            await registry.PushAsync(RandomImage.Index(lab, i * 10), $"team/app{i}", "v1", Token);
        var data = lab.NewFolder("import");
        var log = Path.Combine(lab.NewFolder("killed"), "log");
        var configuration = Path.Combine(lab.NewFolder("killed"), "holdfast.yaml");
        await File.WriteAllTextAsync(configuration, "registries: { plain: {} }\nlisteners: [ { url: \"http://127.0.0.1:0\", registry: plain } ]\n", Token);
        string[] arguments = ["import", DataOf(registry), "--data", data, "--config", configuration];
        for (var delay = 300; delay <= 900; delay += 300)
        {
            await using var import = Daemon.Start(lab, log, new ToolCall(HoldfastProcess.Executable, arguments));
            await Task.Delay(delay, Token);
            await import.KillAsync();
        }

        var (exitCode, json) = await ImportAsync(arguments[1..]);

        exitCode.ShouldBe(0, json.ToJsonString());
        Directory.GetFiles(Path.Combine(data, "uploads")).ShouldBeEmpty();
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data }, Token);
        await ShouldVerifyAsync(server.For(Mode.Plain).Host);
    }

    [Fact]
    public async Task Import_FollowedUntilASignal_HasWhatCameBeforeIt()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        await registry.PushAsync(RandomImage.Index(lab, 0), "team/first", "v1", Token);
        var data = lab.NewFolder("import");
        var log = Path.Combine(lab.NewFolder("follow"), "log");
        await using var import = Daemon.Start(
            lab, log, new ToolCall(HoldfastProcess.Executable, "import", DataOf(registry), "--data", data, "--follow", "--interval", "1h", "--json"));
        await import.WaitUntilAsync(async token => (await import.LogAsync(token)).Contains("took 1 tag", StringComparison.Ordinal), TimeSpan.FromSeconds(60), Token);
        await registry.PushAsync(RandomImage.Index(lab, 10), "team/second", "v1", Token);

        (await import.TerminateAsync(TimeSpan.FromSeconds(60))).ShouldBeTrue("it ends by itself");
        (await File.ReadAllTextAsync(log, Token)).ShouldContain("\"tags\": 2");
    }

    private static string DataOf(DebianRegistry registry) => Path.GetFullPath(Path.Combine(registry.Root, "../../.."));

    private static string ChildOf(OciLayout layout) => (string)layout.Read(layout.Top().Digest)["manifests"]![0]!["digest"]!;

    private static string LayerOf(OciLayout layout) => (string)layout.Read(ChildOf(layout))["layers"]![0]!["digest"]!;

    private static async Task FlipAsync(string file)
    {
        var bytes = await File.ReadAllBytesAsync(file, Token);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, Token);
    }

    private static async Task ShouldVerifyAsync(string host)
    {
        var result = await new ToolCall(HoldfastProcess.Executable, "verify", host).RunAsync(Token);
        result.ExitCode.ShouldBe(0, result.ToString());
    }

    private static async Task<(int ExitCode, JsonNode Json)> ImportAsync(params string[] arguments)
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        // HOLDFAST_EXE is for the tests; to the program it would be a key that its configuration doesn't know.
        var result = await new ToolCall("env", ["-u", "HOLDFAST_EXE", HoldfastProcess.Executable, "import", "--json", .. arguments]).RunAsync(Token);
        return (result.ExitCode, JsonNode.Parse(result.Output.Length > 0 ? result.Output : throw new InvalidOperationException(result.ToString()))!);
    }
}
