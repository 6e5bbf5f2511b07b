using System.Text.Json;
using System.Xml.Linq;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary><c>holdfast verify</c> against a real server, whole and damaged on disk.</summary>
public sealed class VerifyCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Verify_OfAWholeImage_Exits0AndSaysWhatItRead()
    {
        await using var server = await StartAsync("whole");
        await SmallImage.PushAsync(server, "team/app", "v1");

        var (exitCode, output, errors) = await VerifyAsync($"{HostOf(server)}/team/app:v1");

        // On a slow machine there may be a line of progress.
        errors.ShouldNotContain("holdfast");
        output.ShouldContain("1 manifest, 1 blob");
        output.ShouldContain("all of it is there and right");
        exitCode.ShouldBe(0);
    }

    [Fact]
    [Promise("P8")]
    public async Task Verify_OfADamagedBlob_Exits1WithTheTreeJsonAndJunit()
    {
        await using var server = await StartAsync("damaged");
        await SmallImage.PushAsync(server, "team/app", "v1");
        await SmallImage.PushAsync(server, "team/app", "v2", seed: 1);
        Damage("damaged", "v1");

        var (exitCode, output, _) = await VerifyAsync($"{HostOf(server)}/team/app", "--junit", Path.Combine(folder.Path, "report.xml"));
        exitCode.ShouldBe(1);
        output.ShouldStartWith($"{HostOf(server)}/team/app\n└─ v1  sha256:");
        output.ShouldContain("   └─ config  sha256:");
        output.ShouldContain("1 finding in 1 of 2 roots");

        var report = XDocument.Load(Path.Combine(folder.Path, "report.xml")).Root!;
        report.Attribute("failures")!.Value.ShouldBe("1");
        report.Attribute("tests")!.Value.ShouldBe("2");
        report.Descendants("failure").ShouldHaveSingleItem().Parent!.Attribute("name")!.Value.ShouldBe("v1");

        (exitCode, output, _) = await VerifyAsync($"{HostOf(server)}/team/app:v1", "--json");
        exitCode.ShouldBe(1);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("whole").GetBoolean().ShouldBeFalse();
        var finding = json.RootElement.GetProperty("findings").EnumerateArray().ShouldHaveSingleItem();
        finding.GetProperty("repository").GetString().ShouldBe("team/app");
        finding.GetProperty("reference").GetString().ShouldBe("v1");
        finding.GetProperty("role").GetString().ShouldBe("config");
        finding.GetProperty("kind").GetString().ShouldBeOneOf("missing", "unreadable", "wrong-bytes");
        finding.GetProperty("path").GetArrayLength().ShouldBe(2);
    }

    [Theory]
    [InlineData("other bytes")]
    [InlineData("fewer bytes")]
    [InlineData("no bytes")]
    [InlineData("more bytes")]
    [InlineData("no file")]
    [InlineData("a folder")]
    [Promise("P4")]
    public async Task Verify_OfAServerWhoseDiskWasDamaged_FindsItAndNothingElse(string damage)
    {
        var data = "disk-" + damage.Replace(' ', '-');
        await using var server = await StartAsync(data);
        await SmallImage.PushAsync(server, "team/app", "v1");
        await SmallImage.PushAsync(server, "team/app", "v2");
        Damage(data, "v1", damage);

        var (exitCode, output, _) = await VerifyAsync(HostOf(server), "--json");

        exitCode.ShouldBe(1);
        using var json = JsonDocument.Parse(output);
        var finding = json.RootElement.GetProperty("findings").EnumerateArray().ShouldHaveSingleItem();
        finding.GetProperty("reference").GetString().ShouldBe("v1");
        finding.GetProperty("role").GetString().ShouldBe("config");
    }

    [Fact]
    public async Task Verify_OfAHost_WalksAllRepositories()
    {
        await using var server = await StartAsync("host");
        for (var i = 0; i < 5; i++)
            await SmallImage.PushAsync(server, $"team/app{i}", "v1", seed: i);

        var (exitCode, output, _) = await VerifyAsync(HostOf(server), "--fast", "--json");

        exitCode.ShouldBe(0);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("mode").GetString().ShouldBe("head");
        json.RootElement.GetProperty("checked").GetProperty("repositories").GetInt32().ShouldBe(5);
        json.RootElement.GetProperty("checked").GetProperty("roots").GetInt32().ShouldBe(5);
    }

    [Fact]
    public async Task Verify_OfSeveralImagesOfOneHost_ReadsTheSameBlobOnce()
    {
        await using var server = await StartAsync("several");
        await SmallImage.PushAsync(server, "one", "v1");
        await SmallImage.PushAsync(server, "two", "v1");

        var (_, output, _) = await VerifyAsync($"{HostOf(server)}/one:v1", $"{HostOf(server)}/two:v1", "--json");
        var (_, alone, _) = await VerifyAsync($"{HostOf(server)}/one:v1", "--json");

        using var json = JsonDocument.Parse(output);
        using var one = JsonDocument.Parse(alone);
        long Read(JsonDocument document) => document.RootElement.GetProperty("checked").GetProperty("bytesRead").GetInt64();
        var config = "{\"config\":\"v1 0\"}".Length;
        Read(json).ShouldBe((2 * Read(one)) - config);
    }

    [Fact]
    public async Task Verify_Fast_SaysThatItCanBeFooled()
    {
        await using var server = await StartAsync("fast");
        await SmallImage.PushAsync(server, "app", "v1");

        (await VerifyAsync($"{HostOf(server)}/app:v1", "--fast")).Output.ShouldContain("HEAD and size only");
    }

    [Theory]
    [InlineData("app:absent", 1, "missing")]
    [InlineData("nothere", 2, "no such repository")]
    [InlineData("", 2, "lists no repositories")]
    public async Task Verify_OfWhatIsNotThere_SaysSo(string path, int expected, string said)
    {
        await using var server = await StartAsync("absent" + path.Length);

        var (exitCode, output, errors) = await VerifyAsync($"{HostOf(server)}/{path}");

        exitCode.ShouldBe(expected);
        (output + errors).ShouldContain(said);
    }

    [Theory]
    [InlineData("team/app:v1", "does not begin with a registry's host")]
    [InlineData("127.0.0.1:1/app:v1", "refused")]
    [InlineData("127.0.0.1:1/app:v1 --user a:b", "the name alone")]
    [InlineData("127.0.0.1:1/app:v1 --password-stdin", "goes with --user")]
    [InlineData("127.0.0.1:1/a 127.0.0.1:2/b --user a --password-stdin", "each would get the password")]
    [InlineData("127.0.0.1:1/app --parallel 0", "1 to 256")]
    [InlineData("127.0.0.1:1/app --wait long", "--wait")]
    [InlineData("127.0.0.1:1/app --ca absent.pem", "--ca")]
    [InlineData("127.0.0.1:1/app --junit absent/report.xml", "there is no folder")]
    [InlineData("", "the target is missing")]
    public async Task Verify_ThatCannotBegin_Exits2WithTheWayOut(string arguments, string said)
    {
        var (exitCode, _, errors) = await VerifyAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        errors.ShouldContain(said);
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Verify_WithUsers_TakesThePasswordFromStandardInputOrDockersFile()
    {
        folder.Write("users", "alice:$2b$04$YgTex4O2w0KsC.Wog3GL.eRFJYGRONy7BdeM18M9pnRS4qUmTHndK\n");
        folder.Write("users.yaml", "data: data-users\nlisteners: [ { url: \"http://127.0.0.1:0\", registry: a } ]\nregistries: { a: { auth: { htpasswd: users, token: {} } } }\n");
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "users.yaml"]);
        const string Packed = "YWxpY2U6czNjcmV0OndvcmQ="; // alice:s3cret:word
        server.Client.DefaultRequestHeaders.Authorization = new("Basic", Packed);
        await SmallImage.PushAsync(server, "app", "v1");
        string[] call = ["verify", $"{HostOf(server)}/app:v1"];

        (await HoldfastProcess.RunAsync(folder.Path, call, ("HOME", folder.Path))).ExitCode.ShouldBe(2);
        (await HoldfastProcess.RunAsync(folder.Path, ["verify", HostOf(server)], ("HOME", folder.Path))).Errors.ShouldContain("or give --user NAME");
        (await HoldfastProcess.RunWithInputAsync(folder.Path, "wrong\n", "verify", HostOf(server), "--user", "alice", "--password-stdin")).Errors.ShouldContain("is the password of alice right?");
        (await HoldfastProcess.RunWithInputAsync(folder.Path, "s3cret:word\n", [.. call, "--user", "alice", "--password-stdin"])).ExitCode.ShouldBe(0);
        (await HoldfastProcess.RunWithInputAsync(folder.Path, "s3cret:word\n", "verify", HostOf(server), "--user", "alice", "--password-stdin")).Output.ShouldContain("1 root");
        // The token comes over the one connection, too.
        (await HoldfastProcess.RunWithInputAsync(folder.Path, "s3cret:word\n", [.. call, "--user", "alice", "--password-stdin", "--parallel", "1"])).ExitCode.ShouldBe(0);
        (await HoldfastProcess.RunWithInputAsync(folder.Path, "wrong\n", [.. call, "--user", "alice", "--password-stdin"])).ExitCode.ShouldBe(2);
        folder.Write("config.json", $"{{\"auths\":{{\"{HostOf(server)}\":{{\"auth\":\"{Packed}\"}}}}}}");
        (await HoldfastProcess.RunAsync(folder.Path, call, ("DOCKER_CONFIG", folder.Path))).ExitCode.ShouldBe(0);
    }

    [Theory]
    [InlineData("busy", "it asks to be left alone for 3600 s, and --wait allows 1 s")]
    [InlineData("untagged", "none of its 2 repositories has a tag")]
    [InlineData("sends away", "no token from 127.0.0.1:1, to which")]
    public async Task Verify_OfARegistryThatCannotBeGoneThrough_SaysWhyAndWhatToDo(string manner, string said)
    {
        await using var registry = DullRegistry.Start(manner);

        var (exitCode, output, errors) = await VerifyAsync(registry.Host, "--wait", "1s");

        errors.ShouldContain(said);
        output.ShouldBe("nothing was verified\n");
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Verify_OfPlainHttpByHttps_SaysSo()
    {
        await using var registry = DullRegistry.Start("untagged");

        (await VerifyAsync($"https://{registry.Host}")).Errors.ShouldContain("does not speak TLS");
    }

    private Task<RunningServer> StartAsync(string data) =>
        RunningServer.StartAsync(folder.Path, ["--data", data, "--listen", "http://127.0.0.1:0"]);

    private Task<(int ExitCode, string Output, string Errors)> VerifyAsync(params string[] arguments) =>
        HoldfastProcess.RunAsync(folder.Path, ["verify", .. arguments]);

    // To the config of that tag, as disks and people do it.
    private void Damage(string data, string tag, string damage = "other bytes")
    {
        var config = System.Text.Encoding.UTF8.GetBytes($"{{\"config\":\"{tag} 0\"}}");
        var hex = SmallImage.DigestOf(config)["sha256:".Length..];
        var file = Path.Combine(folder.Path, data, "blobs", "sha256", hex[..2], hex);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        config[^3] ^= 1;
        switch (damage)
        {
            case "no file":
                File.Delete(file);
                break;
            case "a folder":
                File.Delete(file);
                Directory.CreateDirectory(file);
                break;
            default:
                File.WriteAllBytes(file, damage switch { "fewer bytes" => config[..5], "no bytes" => [], "more bytes" => [.. config, 7], _ => config });
                break;
        }
    }

    private static string HostOf(RunningServer server) => server.Addresses[0].Authority;
}
