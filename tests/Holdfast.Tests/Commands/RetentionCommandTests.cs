using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>Retention as a user runs it, against a real server process.</summary>
public sealed class RetentionCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Retention_PlanOutAndApply_RemoveWhatWasShownAndNothingElse()
    {
        await using var server = await StartAsync("one", "keepTags: [\"keep*\"], maxRemoved: 100%");
        foreach (var tag in (string[])["keep-1", "old-1", "old-2"])
            await SmallImage.PushAsync(server, "team/app", tag);

        var (exitCode, output, errors) = await RunAsync("one", "plan", "--out", "plan.json");
        errors.ShouldNotContain("holdfast retention"); // but maybe its progress
        exitCode.ShouldBe(0);
        output.ShouldContain("main/team/app (retention[0], 3 images)\n  goes   old-1  no pattern of keepTags fits\n");
        output.ShouldContain("  stays  keep-1  tag keep-1 fits keep*\n");
        output.ShouldContain("would remove 2 images in 1 repository, freeing ");
        output.ShouldContain("apply it with `holdfast retention apply --plan plan.json`");

        Directory.CreateDirectory(Path.Combine(folder.Path, "plans"));
        (exitCode, output, errors) = await RunAsync("one", "plan", "--out", "plans");
        (exitCode, output, errors).ShouldBe((2, "", "holdfast retention plan: --out plans: it is a folder; name a file in it\n"));
        (exitCode, _, errors) = await RunAsync("one", "plan", "--out", "nowhere/plan.json");
        exitCode.ShouldBe(2);
        errors.ShouldBe($"holdfast retention plan: --out nowhere/plan.json: there is no folder {Path.Combine(folder.Path, "nowhere")}; make it first\n");

        await SmallImage.PushAsync(server, "team/app", "old-2", seed: 7);
        (exitCode, output, errors) = await RunAsync("one", "apply", "--plan", "plan.json");
        errors.ShouldContain("there is nobody to ask");
        exitCode.ShouldBe(2);
        (exitCode, output, errors) = await RunAsync("one", "apply", "--plan", "plan.json", "--yes");
        errors.ShouldNotContain("holdfast retention"); // but maybe its progress
        exitCode.ShouldBe(0);
        output.ShouldContain("  removed  old-1\n  stays    old-2  ");
        output.ShouldContain("removed 1 image; undo it with `holdfast trash restore --run ");
        (await server.Client.GetStringAsync("/v2/team/app/tags/list")).ShouldContain("[\"keep-1\",\"old-2\"]");

        (exitCode, output, _) = await RunAsync("one", "apply", "--yes", "--json");
        exitCode.ShouldBe(0);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("removed").GetInt32().ShouldBe(1);
        (_, output, _) = await RunAsync("one", "status");
        output.ShouldContain("retention[0]  main: **  (1 repository); runs by command only\n  last run ");
    }

    [Fact]
    public async Task Retention_ApplyThatAGuardStops_EndsWithFindings()
    {
        await using var server = await StartAsync("two", "keepTags: [\"keep*\"], inUse: [users]");
        await SmallImage.PushAsync(server, "app", "old");
        var (exitCode, output, _) = await RunAsync("two", "apply", "--yes");
        output.ShouldContain("retention[0] STOPPED: line 2 of ");
        exitCode.ShouldBe(1);
        await using var other = await StartAsync("three", "keepTags: [\"keep*\"]");
        await SmallImage.PushAsync(other, "app", "old");
        (exitCode, output, _) = await RunAsync("three", "apply", "--yes");
        output.ShouldContain("  STOPPED: would remove all 1 images, which needs maxRemoved: 100%");
        exitCode.ShouldBe(1);
        (_, output, _) = await RunAsync("three", "plan");
        output.ShouldContain("; 1 image would stay", customMessage: "what is held back stays, too");
    }

    [Theory]
    [InlineData("{}", "missing")]
    [InlineData("[1]", "holds no plan")]
    [InlineData("not json", "can't be read as a plan")]
    [InlineData(null, "no file")]
    public async Task Retention_ApplyOfWhatIsNoPlan_SaysSo(string? text, string says)
    {
        await using var server = await StartAsync("four", "keepTags: [\"keep*\"]");
        if (text is not null)
            folder.Write("bad.json", text);
        else
            File.Delete(Path.Combine(folder.Path, "bad.json"));
        var (exitCode, output, errors) = await RunAsync("four", "apply", "--plan", "bad.json", "--yes");
        errors.ShouldStartWith("holdfast retention apply: ");
        errors.ShouldContain(says);
        output.ShouldBeEmpty();
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Retention_NoRules_SaysThatEverythingStays()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "five", "--listen", "http://127.0.0.1:0"]);
        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["retention", "plan", "--data", "five"]);
        errors.ShouldContain("has no retention rules, so everything stays");
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Retention_PlanTwiceTruncatedOrOfAnotherServer_RemovesNothingMore()
    {
        await using var server = await StartAsync("six", "keepTags: [\"keep*\"], maxRemoved: 100%");
        foreach (var tag in (string[])["keep-1", "old-1"])
            await SmallImage.PushAsync(server, "app", tag);
        (await RunAsync("six", "plan", "--out", "six.json")).ExitCode.ShouldBe(0);
        var (exitCode, output, errors) = await RunAsync("six", "apply", "--plan", "six.json", "--yes");
        output.ShouldContain("removed 1 image; undo it");
        (exitCode, output, errors) = await RunAsync("six", "apply", "--plan", "six.json", "--yes");
        output.ShouldContain("  stays    old-1  gone, or part of another image by now\nremoved nothing\n");
        exitCode.ShouldBe(0);

        var whole = await File.ReadAllTextAsync(Path.Combine(folder.Path, "six.json"));
        foreach (var length in (int[])[whole.Length / 2, whole.Length - 3, 1, 0])
        {
            folder.Write("cut.json", whole[..length]);
            (exitCode, output, errors) = await RunAsync("six", "apply", "--plan", "cut.json", "--yes");
            errors.ShouldContain("can't be read as a plan");
            exitCode.ShouldBe(2);
        }

        await using var other = await StartAsync("seven", "keepTags: [\"keep*\"], maxRemoved: 100%");
        await SmallImage.PushAsync(other, "app", "old-1");
        (exitCode, output, errors) = await RunAsync("seven", "apply", "--plan", "six.json", "--yes");
        errors.ShouldContain("the plan was made for another store; make one here");
        exitCode.ShouldBe(2);
        (await other.Client.GetStringAsync("/v2/app/tags/list")).ShouldContain("old-1");
    }

    [Fact]
    [Promise("P6")]
    public async Task Retention_ListThatNeverAnswers_StopsTheRunAndASecondRunIsRefusedMeanwhile()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var server = await StartAsync("eight", $"keepTags: [\"keep*\"], maxRemoved: 100%, inUse: [\"http://{silent.LocalEndpoint}/list\"]");
        await SmallImage.PushAsync(server, "app", "old");
        var first = RunAsync("eight", "apply", "--yes");
        using var asked = await silent.AcceptTcpClientAsync();
        var (exitCode, _, errors) = await RunAsync("eight", "apply", "--yes");
        errors.ShouldContain("is under way");
        exitCode.ShouldBe(2);
        (exitCode, var output, errors) = await first;
        output.ShouldContain("not here within 10 s");
        output.ShouldContain("removed nothing");
        exitCode.ShouldBe(1);
        (await HoldfastProcess.RunAsync(folder.Path, ["incidents", "--data", "eight"])).Output.ShouldContain("open  retention-guard  retention[0]");
        (await server.Client.GetStringAsync("/v2/app/tags/list")).ShouldContain("old");
    }

    [Fact]
    [Promise("P7")]
    public async Task Retention_Schedule_RunsByItselfAndCanBeUndoneAndIsTold()
    {
        await using var server = await StartAsync("nine", "keepTags: [\"keep*\"], maxRemoved: 100%, schedule: \"* * * * *\"");
        foreach (var tag in (string[])["keep-1", "old-1"])
            await SmallImage.PushAsync(server, "app", tag);
        // It looks once a minute.
        var since = Stopwatch.StartNew();
        while ((await server.Client.GetStringAsync("/v2/app/tags/list")).Contains("old-1", StringComparison.Ordinal))
        {
            since.Elapsed.ShouldBeLessThan(TimeSpan.FromMinutes(3));
            await Task.Delay(250, TestContext.Current.CancellationToken);
        }
        string output;
        // The end of the run is written down after its last removal.
        do
        {
            since.Elapsed.ShouldBeLessThan(TimeSpan.FromMinutes(3));
            (_, output, _) = await RunAsync("nine", "status", "--json");
        }
        while (!output.Contains("\"run\"", StringComparison.Ordinal));
        using var status = JsonDocument.Parse(output);
        var rule = status.RootElement.GetProperty("rules")[0];
        var run = rule.GetProperty("lastRun").GetProperty("run").GetString()!;
        rule.GetProperty("lastRun").GetProperty("removed").GetInt32().ShouldBe(1);
        rule.GetProperty("nextRunAt").GetDateTimeOffset().Second.ShouldBe(0);
        var metrics = await server.Client.GetStringAsync("/metrics");
        metrics.ShouldContain("holdfast_retention_removed_total 1\n");
        metrics.ShouldContain("holdfast_retention_last_run_timestamp_seconds{rule=\"retention[0]\"} ");
        (_, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["trash", "list", "--run", run, "--data", "nine"]);
        output.ShouldContain("old-1");
        (await HoldfastProcess.RunAsync(folder.Path, ["trash", "restore", "--run", run, "--data", "nine"])).ExitCode.ShouldBe(0);
        (await server.Client.GetStringAsync("/v2/app/tags/list")).ShouldContain("old-1");
    }

    private Task<RunningServer> StartAsync(string data, string rule)
    {
        folder.Write($"{data}.yaml", $"data: {data}\nregistries: {{ main: {{}} }}\nlisteners: [ {{ url: http://127.0.0.1:0 }} ]\nretention: [ {{ registries: [main], repositories: [\"**\"], {rule} }} ]\n");
        return RunningServer.StartAsync(folder.Path, ["--config", $"{data}.yaml"]);
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string data, params string[] arguments) =>
        HoldfastProcess.RunAsync(folder.Path, ["retention", .. arguments, "--data", data]);
}
