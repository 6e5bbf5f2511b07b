using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>The words and exit codes of scan and repair; what they find is tested in Holdfast.Doctor.Tests and, on real registries' folders, in EndToEnd.</summary>
public sealed class ScanCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    [Fact]
    public async Task Scan_WholeFolder_Exits0AndSaysSo()
    {
        MakeRegistry("whole", damaged: false);
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["scan", "whole"]);
        (exitCode, errors).ShouldBe((0, ""));
        output.ShouldContain("nothing is damaged");
    }

    [Fact]
    public async Task Scan_DamagedFile_Exits1WithStableJson()
    {
        MakeRegistry("damaged", damaged: true);
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["scan", "damaged", "--json"]);
        exitCode.ShouldBe(1);
        var report = JsonDocument.Parse(output).RootElement;
        report.GetProperty("clean").GetBoolean().ShouldBeFalse();
        var finding = report.GetProperty("registries")[0].GetProperty("findings")[0];
        finding.GetProperty("kind").GetString().ShouldBe("data");
        finding.GetProperty("missing")[0].GetProperty("state").GetString().ShouldBe("wrong-hash");
        finding.GetProperty("means").GetString().ShouldNotBeNullOrEmpty();
        finding.GetProperty("mends").GetString()!.ShouldContain("holdfast repair");
    }

    [Fact]
    public async Task Repair_WithoutDonor_Exits1AndWritesNothing()
    {
        MakeRegistry("lost", damaged: true);
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["repair", "lost", "--json"]);
        exitCode.ShouldBe(1);
        var report = JsonDocument.Parse(output).RootElement;
        (report.GetProperty("applied").GetBoolean(), report.GetProperty("whole").GetBoolean(), report.GetProperty("restartNeeded").GetBoolean()).ShouldBe((false, false, false));
        report.GetProperty("registries")[0].GetProperty("left").GetArrayLength().ShouldBe(1);
    }

    [Theory]
    [InlineData("scan nowhere", "there is no folder 'nowhere'")]
    [InlineData("scan one --cache two", "there is no registry 'two' here; there are: .")]
    [InlineData("scan one --cache . --hosted .", "can't be both")]
    [InlineData("repair one --donor ./nowhere", "no such file or folder")]
    [InlineData("repair one --donor nowhere", "does not begin with a registry's host")]
    [InlineData("repair one --password-stdin", "--user")]
    [InlineData("repair one --donor http://ci:s3cret@127.0.0.1:5000", "--donor http://***@127.0.0.1:5000: ")]
    [InlineData("repair one --donor one.txt", "--donor one.txt: 'one.txt' is no archive that can be read: it is no tar file")]
    public async Task Run_WhatCannotBeDone_Exits2AndSaysWhy(string arguments, string expected)
    {
        MakeRegistry("one", damaged: false);
        folder.Write("one.txt", "a text");
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, arguments.Split(' '));
        (exitCode, output).ShouldBe((2, ""));
        errors.ShouldContain(expected);
        errors.ShouldNotContain("s3cret");
    }

    [Fact]
    public async Task Undo_NothingWritten_SaysSo()
    {
        MakeRegistry("fresh", damaged: false);
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["repair", "fresh", "--undo"]);
        exitCode.ShouldBe(0);
        output.ShouldContain("no repair to take back");
        var (_, json, _) = await HoldfastProcess.RunAsync(folder.Path, ["repair", "fresh", "--undo", "--json"]);
        JsonDocument.Parse(json).RootElement.GetProperty("undone")[0].GetProperty("entries").GetArrayLength().ShouldBe(0);
    }

    private void MakeRegistry(string name, bool damaged)
    {
        var layout = Path.Combine(folder.Path, name, "docker/registry/v2");
        var link = Directory.CreateDirectory($"{layout}/repositories/app/_layers/sha256/{Hex}").FullName;
        File.WriteAllText(link + "/link", "sha256:" + Hex);
        Directory.CreateDirectory($"{layout}/blobs/sha256/{Hex[..2]}/{Hex}");
        File.WriteAllText($"{layout}/blobs/sha256/{Hex[..2]}/{Hex}/data", damaged ? "tset" : "test");
    }
}
