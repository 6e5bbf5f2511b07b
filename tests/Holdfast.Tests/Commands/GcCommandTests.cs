using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary><c>holdfast gc</c> against a running server.</summary>
public sealed class GcCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private static readonly string[] Serve = ["--data", "gc", "--listen", "http://127.0.0.1:0"];

    [Fact]
    public async Task Gc_RunningServer_SaysWhatWaitsAndWhatItDid()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, Serve);
        var (exitCode, status, errors) = await HoldfastProcess.RunAsync(folder.Path, ["gc", "status", "--data", "gc"]);
        errors.ShouldBeEmpty();
        exitCode.ShouldBe(0);
        status.ShouldContain("trash: 0 objects (0 due), referring to 0 B\n");
        status.ShouldContain("to review: 0 manifests, 0 links, 0 blobs");

        (exitCode, var run, errors) = await HoldfastProcess.RunAsync(folder.Path, ["gc", "run", "--data", "gc"]);
        errors.ShouldBeEmpty();
        exitCode.ShouldBe(0);
        run.ShouldStartWith("freed 0 B: 0 blobs");

        (_, var json, _) = await HoldfastProcess.RunAsync(folder.Path, ["gc", "status", "--data", "gc", "--json"]);
        using var document = JsonDocument.Parse(json);
        document.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(
            ["running", "waiting", "due", "trashBytes", "freedNowBytes", "freedLaterBytes", "lastRun"]);
        document.RootElement.GetProperty("lastRun").GetProperty("figures").GetProperty("reviews").GetInt64().ShouldBe(0);
    }

    [Fact]
    public async Task GcRun_Emergency_NeedsAYesWhereNobodyCanBeAsked()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, Serve);
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["gc", "run", "--emergency", "--data", "gc"]);
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.ShouldContain("give --yes to confirm, or --dry-run to see");
        foreach (var answer in new[] { "--yes", "--dry-run" })
        {
            (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["gc", "run", "--emergency", answer, "--data", "gc", "--json"]);
            exitCode.ShouldBe(0);
            using var document = JsonDocument.Parse(output);
            document.RootElement.GetProperty("dryRun").GetBoolean().ShouldBe(answer == "--dry-run");
            document.RootElement.GetProperty("emergency").GetBoolean().ShouldBeTrue();
        }
    }
}
