using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>Deletes taken back, and not, with the program against the program.</summary>
public sealed class TrashCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Restore_TagThatMovedOn_NamesTheWaysOutAndTakesThem()
    {
        await using var server = await StartAsync("moved");
        var old = await PushAsync(server, "team/app", "v1", "old");
        await DeleteAsync(server, $"team/app/manifests/{old}");
        var present = await PushAsync(server, "team/app", "v1", "new");

        var refused = await TrashAsync("moved", "restore", "team/app:v1");
        refused.Output.ShouldContain($"team/app:v1: not restored, since the tag points at {present} by now");
        refused.Output.ShouldContain("--to TAG");
        refused.Output.ShouldContain("--force");
        refused.ExitCode.ShouldBe(1);

        var other = await TrashAsync("moved", "restore", "team/app:v1", "--to", "v1-old");
        other.Output.ShouldContain($"team/app:v1-old: restored, at {old}");
        other.ExitCode.ShouldBe(0);
        (await DigestOfAsync(server, "team/app", "v1-old")).ShouldBe(old);
        (await DigestOfAsync(server, "team/app", "v1")).ShouldBe(present);
    }

    [Fact]
    public async Task Restore_EveryWayToNameIt_TakesTheDeleteBack()
    {
        await using var server = await StartAsync("named");
        var digest = await PushAsync(server, "app", "v1", "one");
        string[][] ways = [["app:v1"], [$"app@{digest}"], ["--repository", "app", "--since", "1h"], ["OPERATION"], ["ID"]];
        foreach (var way in ways)
        {
            await DeleteAsync(server, $"app/manifests/{digest}");
            var listed = await TrashAsync("named", "list", "--json");
            using var json = JsonDocument.Parse(listed.Output);
            var manifest = json.RootElement.GetProperty("items")[0];
            manifest.GetProperty("kind").GetString().ShouldBe("manifest");
            string[] arguments = way switch
            {
                ["OPERATION"] => [manifest.GetProperty("operation").GetString()!],
                ["ID"] => [manifest.GetProperty("id").ToString()],
                _ => way,
            };
            var restored = await TrashAsync("named", ["restore", .. arguments]);
            restored.Output.ShouldContain("2 things restored\n");
            restored.ExitCode.ShouldBe(0, restored.Errors); // Where it takes longer than a second, progress stands there too.
            (await DigestOfAsync(server, "app", "v1")).ShouldBe(digest, string.Join(' ', way));
        }
        (await TrashAsync("named", "list")).Output.ShouldBe("the trash is empty\n");
    }

    [Theory]
    [InlineData("y", 0, "restored, in place of ")]
    [InlineData("", 1, "not restored")]
    public async Task Restore_TagThatMovedOnAtATerminal_IsAsked(string answer, int expected, string says)
    {
        var data = "asked" + expected;
        await using var server = await StartAsync(data);
        var old = await PushAsync(server, "app", "v1", "old");
        await DeleteAsync(server, $"app/manifests/{old}");
        var present = await PushAsync(server, "app", "v1", "new");
        var (exitCode, screen) = await HoldfastTerminal.AnswerAsync(folder.Path, $"trash restore app:v1 --data {data}", answer + "\r");
        screen.ShouldContain($"app:v1 points at {present[..19]} by now. Put {old[..19]} back in its place");
        screen.ShouldContain(says);
        exitCode.ShouldBe(expected);
        (await DigestOfAsync(server, "app", "v1")).ShouldBe(expected == 0 ? old : present);
    }

    [Fact]
    public async Task List_DeletedThings_IsATableForPeople()
    {
        await using var server = await StartAsync("table");
        var whole = await PushAsync(server, "app", "v1", "one");
        await DeleteAsync(server, "app/manifests/v1");
        var lines = (await TrashAsync("table", "list")).Output.Split('\n');
        lines[0].ShouldStartWith("ID  DELETED (UTC)");
        lines[1].ShouldContain("  app:v1  ");
        lines[1].ShouldContain("  anonymous  client  ");
        await DeleteAsync(server, $"app/manifests/{whole}");
        var manifest = (await TrashAsync("table", "list", "--digest", whole)).Output.Split('\n')[1];
        manifest.ShouldContain($"  app@{whole[..19]}  ");
        (await TrashAsync("table", "list", "--json")).Output.ShouldContain(whole);
        (await TrashAsync("table", "list", "--repository", "other/**")).Output.ShouldStartWith("nothing");
        var dry = await TrashAsync("table", "restore", "app:v1", "--dry-run");
        dry.Output.ShouldContain("app:v1: would be restored");
        (await DigestOfAsync(server, "app", "v1")).ShouldBeNull();
    }

    [Fact]
    public async Task Purge_OffATerminal_NeedsYes()
    {
        await using var server = await StartAsync("purged");
        var digest = await PushAsync(server, "app", "v1", "one");
        await DeleteAsync(server, $"app/manifests/{digest}");
        var unsaid = await TrashAsync("purged", "purge", "--all");
        unsaid.Errors.ShouldBe("holdfast trash purge: 2 things would be gone for good; say --yes, since there is no terminal to ask at\n");
        unsaid.ExitCode.ShouldBe(2);
        var purged = await TrashAsync("purged", "purge", "--all", "--yes");
        purged.Output.ShouldBe("2 things purged\n");
        purged.ExitCode.ShouldBe(0);
        foreach (var again in (string[][])[["--all"], ["--all", "--yes"], ["--repository", "app", "--until", "1h", "--yes"]])
        {
            var nothing = await TrashAsync("purged", ["purge", .. again]);
            (nothing.Output, nothing.Errors, nothing.ExitCode).ShouldBe(("0 things purged\n", "", 0));
        }
        (await TrashAsync("purged", "purge", "app:v1", "--yes")).ExitCode.ShouldBe(2);
        var gone = await TrashAsync("purged", "restore", "app:v1");
        gone.Errors.ShouldContain("nothing in the trash is what you name");
        gone.ExitCode.ShouldBe(2);
    }

    [Theory]
    [InlineData("holdfast trash restore: say what to restore", "restore")]
    [InlineData("holdfast trash restore: 'team/app' is no ID, OPERATION, REPOSITORY:TAG or REPOSITORY@DIGEST", "restore", "team/app")]
    [InlineData("holdfast trash restore: name one thing, or say by options", "restore", "app:v1", "--since", "1h")]
    [InlineData("holdfast trash restore: to and force", "restore", "app:v1", "--to", "v2", "--force")]
    [InlineData("holdfast trash purge: say what to purge", "purge", "--yes")]
    [InlineData("holdfast trash purge: --all is everything", "purge", "app:v1", "--all", "--yes")]
    [InlineData("holdfast trash purge: --all is everything", "purge", "--repository", "app", "--all", "--yes")]
    [InlineData("holdfast trash list: --cause gremlins: it is client, retention or collection", "list", "--cause", "gremlins")]
    [InlineData("holdfast trash list: since: 'soon' is neither a time", "list", "--since", "soon")]
    [InlineData("holdfast trash list: --limit 0", "list", "--limit", "0")]
    public async Task Trash_WrongArguments_AreExplained(string expected, params string[] arguments)
    {
        await using var server = await StartAsync("wrong");
        var (exitCode, output, errors) = await TrashAsync("wrong", arguments);
        errors.ShouldStartWith(expected);
        output.ShouldBeEmpty();
        exitCode.ShouldBe(2);
    }

    private Task<RunningServer> StartAsync(string data) => RunningServer.StartAsync(folder.Path, ["--data", data, "--listen", "http://127.0.0.1:0"]);

    private Task<(int ExitCode, string Output, string Errors)> TrashAsync(string data, params string[] arguments) =>
        HoldfastProcess.RunAsync(folder.Path, ["trash", .. arguments, "--data", data]);

    private static async Task<string> PushAsync(RunningServer server, string repository, string tag, string text)
    {
        var config = Encoding.UTF8.GetBytes(text);
        using (var content = new ByteArrayContent(config))
        using (var uploaded = await server.Client.PostAsync($"/v2/{repository}/blobs/uploads/?digest={DigestOf(config)}", content))
            uploaded.StatusCode.ShouldBe(HttpStatusCode.Created);
        var manifest = Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{DigestOf(config)}}","size":{{config.Length}}},"layers":[]}""");
        using var body = new ByteArrayContent(manifest);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/vnd.oci.image.manifest.v1+json");
        using var put = await server.Client.PutAsync($"/v2/{repository}/manifests/{tag}", body);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        return DigestOf(manifest);
    }

    private static async Task DeleteAsync(RunningServer server, string path)
    {
        using var response = await server.Client.DeleteAsync("/v2/" + path);
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    private static async Task<string?> DigestOfAsync(RunningServer server, string repository, string reference)
    {
        using var response = await server.Client.GetAsync($"/v2/{repository}/manifests/{reference}");
        return response.IsSuccessStatusCode ? response.Headers.GetValues("Docker-Content-Digest").Single() : null;
    }

    private static string DigestOf(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
}
