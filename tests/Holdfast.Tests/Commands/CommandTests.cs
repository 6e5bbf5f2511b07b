using System.Text.Json;
using Holdfast.Configuration;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class CommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Theory]
    [InlineData("--version")]
    [InlineData("--help")]
    [InlineData("serve --help")]
    [InlineData("scan --help")]
    [InlineData("repair --help")]
    [InlineData("user add --help")]
    [InlineData("config sample")]
    [InlineData("config reference")]
    public async Task Run_WhatOnlyPrints_Exits0(string arguments)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, arguments.Split(' '));
        errors.ShouldBeEmpty();
        exitCode.ShouldBe(0);
        output.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Help_OfTheRoot_TeachesExamplesAndExitCodes()
    {
        var (_, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["--help"]);
        output.ShouldContain("holdfast serve --config");
        output.ShouldContain("docker push 127.0.0.1:5000/");
        output.ShouldContain("Exit codes: 0 fine, 1 findings, 2 could not do it");
    }

    [Fact]
    public async Task Help_OfACommandBelowAnother_NamesWhatItTakesItself()
    {
        var (_, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["bench", "compare", "--help"]);
        output.ShouldContain("  holdfast bench compare <report>... [options]\n");
        output.ShouldNotContain("<url>");
    }

    [Theory]
    [InlineData("serve --nope")]
    [InlineData("srve")]
    [InlineData("serve --config")]
    [InlineData("scan")]
    [InlineData("repair --apply")]
    [InlineData("scan --nope")]
    [InlineData("repair --nope")]
    public async Task Run_WrongUsage_Exits2WithTheWayToHelp(string arguments)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, arguments.Split(' '));
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.ShouldStartWith("holdfast: ");
        errors.ShouldContain("--help`.");
    }

    [Fact]
    [Promise("P9")]
    public async Task Check_Problems_Exits1WithOneLineEach()
    {
        folder.Write("bad.yaml", "dtaa: /x\nlog: { level: loud }\n");
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["config", "check", "--config", "bad.yaml"]);
        errors.ShouldBeEmpty();
        output.ShouldBe("bad.yaml:1: dtaa: unknown key; did you mean data?\nbad.yaml:2: log.level: 'loud' is not known; write debug or information or warning or error\n");
        exitCode.ShouldBe(1);
    }

    [Theory, Promise("P9")]
    [InlineData("holdfast.db", "put a backup in its place")]
    [InlineData("token.key", "chmod 600")]
    public async Task Serve_FileOfTheDataFolderThatIsNotRight_Exits2WithOneLine(string file, string said)
    {
        var data = Directory.CreateDirectory(Path.Combine(folder.Path, "data-" + file)).FullName;
        folder.Write("start.yaml", $"data: {data}\nlisteners: [ {{ url: \"http://127.0.0.1:0\" }} ]\nregistries: {{ a: {{ auth: {{ htpasswd: users }} }} }}\n");
        await File.WriteAllTextAsync(Path.Combine(data, file), new string('x', 4096));
        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", "--config", "start.yaml"]);
        errors.ShouldContain(said);
        errors.TrimEnd().Split('\n').ShouldHaveSingleItem().ShouldStartWith("holdfast: ");
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Check_Fine_Exits0AndSaysWhatWouldBeServed()
    {
        folder.Write("good.yaml", "data: /x\nregistries: { a: { auth: { htpasswd: users, anonymous: [pull] } } }\nlisteners: [ { url: \"http://0.0.0.0:5000\" } ]\n");
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["config", "check", "-c", "good.yaml"]);
        errors.ShouldBeEmpty();
        output.Split('\n').ShouldBe(
        [
            "good.yaml: fine",
            $"  http://0.0.0.0:5000 serves registry a (users of {Path.Combine(folder.Path, "users")}, Basic, anonymous pull, 0 rules)",
            "  data: /x",
            "  deletes can be undone for 7d; what nothing refers to any more goes 24h later",
            "  every byte is hashed once in 7d, at most 50MiB/s",
            "  damage is mended by pushes; no donors",
            "  no retention: no image goes by itself",
            "  note: http://0.0.0.0:5000 takes passwords over plain http; put TLS in front of it, or use https",
            "",
        ]);
        exitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Check_MissingFile_Exits2()
    {
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["config", "check", "-c", "nope.yaml"]);
        output.ShouldBe("nope.yaml: no such file; `holdfast config sample` prints one to start from\n");
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Check_Json_IsOneObjectWithSourceLineKeyAndMessage()
    {
        folder.Write("json.yaml", "dtaa: /x\n");
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["config", "check", "-c", "json.yaml", "--json"]);
        exitCode.ShouldBe(1);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("fine").GetBoolean().ShouldBeFalse();
        json.RootElement.GetProperty("starts").GetBoolean().ShouldBeFalse();
        var problem = json.RootElement.GetProperty("problems").EnumerateArray().ShouldHaveSingleItem();
        problem.GetProperty("source").GetString().ShouldBe("json.yaml:1");
        problem.GetProperty("line").GetInt32().ShouldBe(1);
        problem.GetProperty("key").GetString().ShouldBe("dtaa");
        problem.GetProperty("message").GetString().ShouldBe("unknown key; did you mean data?");
        problem.GetProperty("weight").GetString().ShouldBe("error");
    }

    [Fact]
    public async Task Sample_Printed_ChecksFine()
    {
        var (_, sample, _) = await HoldfastProcess.RunAsync(folder.Path, ["config", "sample"]);
        folder.Write("sample.yaml", sample);
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["config", "check"], (Overrides.FileVariable, "sample.yaml"));
        output.ShouldStartWith("sample.yaml: fine\n");
        exitCode.ShouldBe(0);
    }

    [Fact]
    [Promise("P9")]
    public async Task Serve_BadConfiguration_Exits2WithEveryProblem()
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", "--listen", "0.0.0.0:5000"], ("HOLDFAST_LOG_LEVLE", "debug"));
        output.ShouldBeEmpty();
        errors.Split('\n').ShouldBe(
        [
            "environment HOLDFAST_LOG_LEVLE: unknown key; did you mean HOLDFAST_LOG_LEVEL?",
            "--listen: listeners[0].url: '0.0.0.0:5000' does not begin with http:// or https://; write http://0.0.0.0:5000",
            "holdfast: not started; the configuration has the problems above",
            "",
        ]);
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Serve_DataFolderThatCannotBeMade_Exits2WithOneLine()
    {
        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", "--data", "/proc/holdfast", "--listen", "http://127.0.0.1:0"]);
        errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem().ShouldStartWith("holdfast: ");
        errors.ShouldContain("/proc/holdfast");
        exitCode.ShouldBe(2);
    }
}
