using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>The real process loses its database in every way that an operator or a disk can, after a kill -9.</summary>
public sealed class RebuildTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    [Theory, Promise("P1"), Promise("P7")]
    [InlineData("removed", "holdfast.db is missing; it was rebuilt from the journal")]
    [InlineData("emptied", "holdfast.db is empty; it was rebuilt from the journal")]
    [InlineData("truncated", "it was rebuilt from the journal")]
    [InlineData("garbage", "it was rebuilt from the journal")]
    [InlineData("older copy in place", "the write-ahead log beside holdfast.db belonged to another state of it")]
    [InlineData("older copy by rename", "the write-ahead log beside holdfast.db belonged to another state of it")]
    public async Task Serve_DatabaseLostAfterAKill_HasEveryTagAndNoDeletedOne(string how, string says)
    {
        var data = "lost " + how;
        await using (var first = await StartAsync(data))
        {
            await PushAsync(first.Client, "old", "one");
            first.Signal("TERM");
            await first.WaitForExitAsync();
        }
        var database = Path.Combine(folder.Path, data, "holdfast.db");
        File.Copy(database, database + ".copy");
        await using (var second = await StartAsync(data))
        {
            for (var i = 0; i < 5; i++)
                await PushAsync(second.Client, $"v{i}", $"image {i}");
            (await second.Client.DeleteAsync("/v2/app/manifests/old")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
            second.Signal("KILL");
            await second.WaitForExitAsync();
        }
        Lose(how, database);

        await using var third = await StartAsync(data);
        await third.WaitForErrorAsync(says);
        (await third.Client.GetStringAsync("/v2/app/tags/list")).ShouldContain("[\"v0\",\"v1\",\"v2\",\"v3\",\"v4\"]");
        for (var i = 0; i < 5; i++)
            (await third.Client.GetAsync($"/v2/app/manifests/v{i}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact, Promise("P1")]
    public async Task Serve_KilledWhilePushing_HasEverythingAcknowledgedAndSoHasARebuild()
    {
        var acknowledged = new List<string>();
        await using (var first = await StartAsync("killed"))
        {
            var pushing = PushUntilCutAsync(first.Client, acknowledged);
            while (acknowledged.Count < 20)
                await Task.Delay(5);
            first.Signal("KILL");
            await pushing;
        }
        await using (var second = await StartAsync("killed"))
        {
            foreach (var tag in acknowledged)
                (await second.Client.GetAsync($"/v2/app/manifests/{tag}")).StatusCode.ShouldBe(HttpStatusCode.OK, tag);
            second.Errors.ShouldNotContain(line => line.Contains("warn", StringComparison.Ordinal));
            second.Signal("TERM");
            await second.WaitForExitAsync();
        }

        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "killed", "--json"]);
        exitCode.ShouldBe(0, errors);
        using var report = JsonDocument.Parse(output);
        report.RootElement.GetProperty("complete").GetBoolean().ShouldBeTrue();
        report.RootElement.GetProperty("tags").GetInt32().ShouldBeGreaterThanOrEqualTo(acknowledged.Count);
        File.Exists(report.RootElement.GetProperty("oldDatabase").GetString()).ShouldBeTrue();
        await using var third = await StartAsync("killed");
        foreach (var tag in acknowledged)
            (await third.Client.GetAsync($"/v2/app/manifests/{tag}")).StatusCode.ShouldBe(HttpStatusCode.OK, tag);
    }

    [Fact]
    public async Task Rebuild_WhileAServerRuns_SaysWhich()
    {
        await using var server = await StartAsync("running");
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "running"]);
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.ShouldEndWith($"is in use by another process (pid {server.Id}); stop the server first\n");
    }

    [Fact]
    public async Task Rebuild_DryRun_ListsAndReplacesNothing()
    {
        await FillAsync("dry");
        var database = Path.Combine(folder.Path, "dry", "holdfast.db");
        var before = await File.ReadAllBytesAsync(database);
        var layer = $"{Digest("a layer of one")}";
        File.Delete(BlobFile("dry", layer));
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "dry", "--dry-run"]);
        exitCode.ShouldBe(1);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines[0].ShouldBe("would rebuild from 3 changes of the journal: 1 manifest, 1 tag and 2 links in 1 repository, 0 things in the trash");
        lines[1].ShouldBe($"blob: {layer}: no file; a push of an image with it heals it");
        (await File.ReadAllBytesAsync(database)).ShouldBe(before);
        Directory.GetFiles(Path.Combine(folder.Path, "dry"), "*.new*").ShouldBeEmpty();
    }

    [Fact]
    public async Task Rebuild_WithoutJournal_RefusesUnlessAskedAndCountsWhatLiesThere()
    {
        await FillAsync("bare");
        File.Delete(Path.Combine(folder.Path, "bare", "holdfast.db"));
        Directory.Delete(Path.Combine(folder.Path, "bare", "journal"), recursive: true);

        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", "--data", "bare", "--listen", "http://127.0.0.1:0"]);
        exitCode.ShouldBe(2);
        errors.ShouldContain("holdfast.db is missing and there is no journal");
        Directory.Exists(Path.Combine(folder.Path, "bare", "journal")).ShouldBeFalse("one that is put back would get into it, and not in its place");
        (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "bare"]);
        exitCode.ShouldBe(2);
        errors.ShouldStartWith("holdfast rebuild: there is no journal");
        (exitCode, var output, _) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "bare", "--without-journal"]);
        exitCode.ShouldBe(1);
        output.ShouldContain("3 blobs that nothing refers to, 1 manifest among them; the collection takes what no push uses");
        await using var server = await StartAsync("bare");
        (await PushAsync(server.Client, "v1", "one")).ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Rebuild_WithoutJournalAsJson_SaysIncompleteAsItsExitCodeDoes()
    {
        await FillAsync("agreeing");
        Directory.Delete(Path.Combine(folder.Path, "agreeing", "journal"), recursive: true);
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "agreeing", "--without-journal", "--json"]);
        exitCode.ShouldBe(1);
        using var report = JsonDocument.Parse(output);
        report.RootElement.GetProperty("complete").GetBoolean().ShouldBeFalse();
        report.RootElement.GetProperty("damage")[0].GetString().ShouldBe("there is none, so that nothing is known of what was stored here");
    }

    [Fact]
    public async Task Rebuild_FolderWithoutAnything_IsRefusedAndLeftAsItWas()
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "other folder"));
        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "other folder"]);
        exitCode.ShouldBe(2);
        errors.ShouldStartWith("holdfast rebuild: there is no journal");
        Directory.EnumerateFileSystemEntries(Path.Combine(folder.Path, "other folder")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Rebuild_AsRootInAnotherUsersFolder_LeavesNothingOfRoots()
    {
        Assert.SkipUnless(Environment.UserName == "root", "only root writes into folders of others");
        await FillAsync("theirs");
        var data = Path.Combine(folder.Path, "theirs");
        // A journal with lost lines is begun anew, so that files of it are written too.
        foreach (var segment in Directory.GetFiles(Path.Combine(data, "journal"), "*.log"))
        {
            var lines = await File.ReadAllLinesAsync(segment);
            lines[1] = "lost";
            await File.WriteAllLinesAsync(segment, lines);
        }
        await RunAsync("chown", "-R", "65534:65534", data);
        File.Delete(Path.Combine(data, "lock"));
        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["rebuild", "--data", "theirs"]);
        exitCode.ShouldBe(1, errors);
        File.Exists(Path.Combine(data, "holdfast.db")).ShouldBeTrue();
        Directory.GetFiles(Path.Combine(data, "journal")).ShouldNotBeEmpty();
        (await RunAsync("find", data, "!", "-uid", "65534", "-o", "!", "-gid", "65534")).ShouldBeEmpty();
        File.GetUnixFileMode(Path.Combine(data, "holdfast.db")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(HoldfastProcess.Describe(program, folder.Path, arguments, []), "");
        exitCode.ShouldBe(0, errors);
        return output;
    }

    private Task<RunningServer> StartAsync(string data) => RunningServer.StartAsync(folder.Path, ["--data", data, "--listen", "http://127.0.0.1:0"]);

    private async Task FillAsync(string data)
    {
        await using var server = await StartAsync(data);
        await PushAsync(server.Client, "v1", "one");
        server.Signal("TERM");
        await server.WaitForExitAsync();
    }

    private string BlobFile(string data, string digest) => Path.Combine(folder.Path, data, "blobs", "sha256", digest[7..9], digest[7..]);

    private static void Lose(string how, string database)
    {
        switch (how)
        {
            case "removed":
                File.Delete(database);
                break;
            case "emptied":
                File.WriteAllText(database, "");
                break;
            case "truncated":
                using (var file = File.Open(database, FileMode.Open))
                    file.SetLength(file.Length - 5000);
                // What the log still has would make up for it.
                File.Delete(database + "-wal");
                break;
            case "garbage":
                File.WriteAllBytes(database, RandomNumberGenerator.GetBytes(100_000));
                break;
            case "older copy in place":
                File.Copy(database + ".copy", database, overwrite: true);
                break;
            default:
                File.Move(database + ".copy", database, overwrite: true);
                break;
        }
    }

    private static async Task PushUntilCutAsync(HttpClient client, List<string> acknowledged)
    {
        try
        {
            for (var i = 0; await PushAsync(client, $"t{i}", $"image {i}") == HttpStatusCode.Created; i++)
                acknowledged.Add($"t{i}");
        }
        catch (HttpRequestException)
        {
            // Killed, as it is meant to be.
        }
    }

    private static async Task<HttpStatusCode> PushAsync(HttpClient client, string tag, string name)
    {
        var config = await PushBlobAsync(client, $"the config of {name}");
        var layer = await PushBlobAsync(client, $"a layer of {name}");
        var manifest = new StringContent($$"""
            {"schemaVersion":2,"mediaType":"{{ManifestType}}",
             "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{config}}","size":{{14 + name.Length}}},
             "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{layer}}","size":{{11 + name.Length}}}]}
            """, new MediaTypeHeaderValue(ManifestType));
        return (await client.PutAsync($"/v2/app/manifests/{tag}", manifest)).StatusCode;
    }

    private static async Task<string> PushBlobAsync(HttpClient client, string content)
    {
        var digest = Digest(content);
        using var body = new StringContent(content, new MediaTypeHeaderValue("application/octet-stream"));
        (await client.PostAsync($"/v2/app/blobs/uploads/?digest={digest}", body)).StatusCode.ShouldBe(HttpStatusCode.Created);
        return digest;
    }

    private static string Digest(string content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
}
