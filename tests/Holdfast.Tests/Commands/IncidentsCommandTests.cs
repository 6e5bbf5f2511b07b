using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>What `holdfast incidents` and `holdfast heal` print about a server with a lost layer, and how they end.</summary>
public sealed class IncidentsCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Free = "http://127.0.0.1:0";

    [Fact]
    public async Task Incidents_OfAServerWithoutAny_SayNothingIsOpenAndEndWith0()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "whole", "--listen", Free]);
        var (exitCode, output, errors) = await RunAsync("incidents", "--data", "whole");
        errors.ShouldBeEmpty();
        output.ShouldBe("nothing is open\n");
        exitCode.ShouldBe(0);
        (await RunAsync("heal", "--data", "whole")).ShouldBe((0, "0 healed, 0 left\n", ""));
    }

    [Fact]
    public async Task Incidents_OfALostBlob_AreShownAcknowledgedAndHealedByAPush()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "lost", "--listen", Free]);
        const string Hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; // hello
        await PushAsync(server);
        File.Delete(Path.Combine(folder.Path, "lost/blobs/sha256/2c", Hex));
        (await server.Client.GetAsync($"/v2/team/app/blobs/sha256:{Hex}")).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);

        var (exitCode, output, _) = await RunAsync("incidents", "--data", "lost");
        exitCode.ShouldBe(1);
        output.ShouldStartWith($"1  open  blob-missing  sha256:{Hex}  since 20");
        output.ShouldContain("\n   do: push an image that holds it again");
        output.ShouldEndWith("1 open, 0 of them acknowledged; `holdfast incidents show ID` tells which tags one hits\n");
        (exitCode, output, _) = await RunAsync("incidents", "show", "1", "--data", "lost");
        exitCode.ShouldBe(1);
        output.ShouldContain("   hits 0 tags (0 manifests)\n");
        (exitCode, output, _) = await RunAsync("heal", "--data", "lost");
        exitCode.ShouldBe(1);
        output.ShouldContain($"left    blob-missing  sha256:{Hex}  no donor is configured (heal.donors)\n0 healed, 1 left\n");

        (await RunAsync("incidents", "acknowledge", "1", "--data", "lost")).ShouldBe((0, $"1  acknowledged  blob-missing  sha256:{Hex}\n", ""));
        (await RunAsync("incidents", "--data", "lost")).ExitCode.ShouldBe(0);
        await PushAsync(server);
        (_, output, _) = await RunAsync("incidents", "--all", "--json", "--data", "lost");
        using var json = JsonDocument.Parse(output);
        json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(["incidents", "open", "acknowledged", "openByKind", "next"]);
        json.RootElement.GetProperty("incidents")[0].GetProperty("healedBy").GetString().ShouldBe("push");
        (_, output, _) = await RunAsync("incidents", "show", "1", "--data", "lost");
        output.ShouldContain("\n   it was: it has no file");
        output.ShouldContain("   hit 0 tags (0 manifests)\n");
        (await RunAsync("incidents", "--all", "--since", "2h", "--data", "lost")).Output.ShouldContain("blob-missing");
        (await RunAsync("incidents", "--all", "--since", "2099-01-01", "--data", "lost")).Output.ShouldNotContain("blob-missing");
    }

    [Fact]
    public async Task Incidents_ThatCannotBeHad_EndWith2()
    {
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "asked", "--listen", Free]);
        var (exitCode, output, errors) = await RunAsync("incidents", "show", "9", "--data", "asked");
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.ShouldContain("no incident 9");
        (exitCode, _, errors) = await RunAsync("incidents", "--kind", "nonsense", "--data", "asked");
        exitCode.ShouldBe(2);
        errors.ShouldContain("blob-missing");
        (exitCode, _, errors) = await RunAsync("incidents", "--since", "soon", "--data", "asked");
        exitCode.ShouldBe(2);
        errors.ShouldBe("holdfast incidents: since: 'soon' is neither a time (2026-11-20T10:00, UTC) nor how long ago (90m, 2h, 3d)\n");
        (await RunAsync("incidents", "--data", "nowhere")).ExitCode.ShouldBe(2);
        (await RunAsync("heal", "--data", "nowhere")).ExitCode.ShouldBe(2);
        (await RunAsync("incidents", "--watch", "--data", "nowhere")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Heal_BytesThatCannotBeRead_AdvisesNoPush()
    {
        const string Left = """{"result":{"healedCount":0,"leftCount":1,"healed":[],"left":[{"id":1,"kind":"store-unreadable","subject":"sha256:00","by":null,"why":"it can't be read"}]}}""";
        await using var fake = new FakeAdminSocket(Path.Combine(folder.Path, "unreadable"), FakeAdminSocket.Lines([Left]));
        var (exitCode, output, _) = await RunAsync("heal", "--data", "unreadable");
        exitCode.ShouldBe(1);
        output.ShouldContain("see to the disk, its mount and the permissions");
        output.ShouldNotContain("push those images");
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) => HoldfastProcess.RunAsync(folder.Path, arguments);

    private static async Task PushAsync(RunningServer server)
    {
        const string Digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        using var pushed = await server.Client.PostAsync($"/v2/team/app/blobs/uploads/?digest={Digest}", new ByteArrayContent("hello"u8.ToArray()));
        pushed.EnsureSuccessStatusCode();
    }
}
