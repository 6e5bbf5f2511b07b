using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The real `holdfast probe` against the real docker-registry, its metrics read by the real promtool.</summary>
public sealed class ProbeTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Probe_BeforeAndAfterACollectionOfUntagged_CountsWhatItBroke()
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        Require.Programs("promtool");
        await using var registry = await DebianRegistry.StartAsync(lab, Token);
        for (var i = 0; i < 4; i++)
            await registry.PushAsync(RandomImage.Index(lab, i * 10), $"team/app{i % 2}", $"v{i}", Token);
        var folder = lab.NewFolder("probe");
        var (whole, before) = await ProbeAsync(registry, folder);
        await registry.CollectAsync(Token, "-m");
        await registry.RestartAsync(Token);

        var (broken, after) = await ProbeAsync(registry, folder);

        var instance = $"{{instance=\"{registry.Endpoint.Host}\"}}";
        whole.ShouldBe(0);
        before.ShouldContain($"registry_manifest_integrity_failures{instance} 0\n");
        before.ShouldContain($"registry_manifest_integrity_indexes_checked{instance} 4\n");
        broken.ShouldBe(1);
        after.ShouldContain($"registry_manifest_integrity_failures{instance} 12\n");
        after.ShouldContain($"holdfast_probe_repository_failures{{instance=\"{registry.Endpoint.Host}\",repository=\"team/app0\"}} 6\n");
        (await new ToolCall("promtool", "check", "metrics") { Input = after }.RunAsync(Token)).Output.ShouldNotContain("error");
    }

    private static async Task<(int ExitCode, string Metrics)> ProbeAsync(DebianRegistry registry, string folder)
    {
        var file = Path.Combine(folder, "registry.prom");
        var result = await new ToolCall(
            HoldfastProcess.Executable, "probe", registry.Endpoint.Host, "--textfile", file, "--memory", Path.Combine(folder, "memory")).RunAsync(Token);
        return (result.ExitCode, await File.ReadAllTextAsync(file, Token));
    }
}
