using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary><c>holdfast import</c> as a user calls it.</summary>
public sealed class ImportCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public async Task Import_LayoutIntoAFolderWithoutServer_IsServedAfterwards()
    {
        WriteLayout("offline-layout", "v1");
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["import", "offline-layout", "--into", "team/app", "--data", "offline"]);
        exitCode.ShouldBe(0, errors);
        output.ShouldContain("took 1 tag and 1 manifest of 1 repository");

        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "offline", "--listen", "http://127.0.0.1:0"]);
        (await server.Client.GetStringAsync("/v2/team/app/tags/list")).ShouldContain("[\"v1\"]");
        (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["import", "offline-layout", "--into", "team/app", "--data", "offline"]);
        exitCode.ShouldBe(0, errors);
        output.ShouldContain("already there: 1 image");
        output.ShouldContain("the server of");
    }

    [Fact]
    public async Task Import_FromARunningServerIntoAnother_KeepsTheDigest()
    {
        await using var source = await RunningServer.StartAsync(folder.Path, ["--data", "from", "--listen", "http://127.0.0.1:0"]);
        await using var target = await RunningServer.StartAsync(folder.Path, ["--data", "to", "--listen", "http://127.0.0.1:0"]);
        await SmallImage.PushAsync(source, "team/app", "v1");
        await SmallImage.PushAsync(source, "other", "v1", 7);

        var (exitCode, json, errors) = await HoldfastProcess.RunAsync(
            folder.Path, ["import", source.Addresses[0].Authority, "--repository", "team/*", "--prefix", "old", "--data", "to", "--json"]);

        exitCode.ShouldBe(0, errors);
        using var document = JsonDocument.Parse(json);
        document.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(
            ["source", "target", "dryRun", "complete", "repositories", "tags", "manifests", "alreadyThere", "blobs", "trusted", "whyCopied", "unread", "findingCount", "findings"]);
        (await target.Client.GetByteArrayAsync("/v2/old/team/app/manifests/v1")).ShouldBe(await source.Client.GetByteArrayAsync("/v2/team/app/manifests/v1"));
        (await target.Client.GetAsync("/v2/old/other/manifests/v1")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Import_IntoAServerElsewhere_IsForWhoMayAdministerIt()
    {
        WriteLayout("elsewhere-layout", "v1");
        folder.Write("elsewhere-users", "alice:$2b$04$YgTex4O2w0KsC.Wog3GL.eRFJYGRONy7BdeM18M9pnRS4qUmTHndK\n");
        folder.Write("elsewhere-password", "s3cret:word\n");
        folder.Write("elsewhere-wrong", "another\n");
        folder.Write("elsewhere.yaml", """
            data: elsewhere
            listeners: [ { url: "http://127.0.0.1:0", registry: main } ]
            registries:
              main: { auth: { htpasswd: elsewhere-users }, access: [ { users: [alice], repositories: ["**"], actions: [pull, admin] } ] }
            """);
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "elsewhere.yaml"]);
        string[] import = ["import", "elsewhere-layout", "--into", "team/app", "--server", server.Addresses[0].GetLeftPart(UriPartial.Authority), "--server-user", "alice", "--server-password-file"];

        var refused = await HoldfastProcess.RunAsync(folder.Path, [.. import, "elsewhere-wrong"]);
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, [.. import, "elsewhere-password"]);

        refused.ExitCode.ShouldBe(2);
        refused.Errors.ShouldContain("the password is wrong");
        exitCode.ShouldBe(0, errors);
        output.ShouldContain("took 1 tag and 1 manifest of 1 repository");
        server.Client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String("alice:s3cret:word"u8));
        (await server.Client.GetStringAsync("/v2/team/app/tags/list")).ShouldContain("[\"v1\"]");
    }

    [Fact]
    public async Task Import_TagThatAClientPushedSince_StaysAndIsListed()
    {
        WriteLayout("kept-layout", "v1");
        await using var server = await RunningServer.StartAsync(folder.Path, ["--data", "kept", "--listen", "http://127.0.0.1:0"]);
        await SmallImage.PushAsync(server, "app", "v1");
        var mine = await server.Client.GetByteArrayAsync("/v2/app/manifests/v1");

        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["import", "kept-layout", "--into", "app", "--data", "kept"]);
        exitCode.ShouldBe(1);
        output.ShouldContain("app:v1: taken, but the tag stays");
        (await server.Client.GetByteArrayAsync("/v2/app/manifests/v1")).ShouldBe(mine);

        (exitCode, _, _) = await HoldfastProcess.RunAsync(folder.Path, ["import", "kept-layout", "--into", "app", "--data", "kept", "--replace-tags"]);
        exitCode.ShouldBe(0);
        (await server.Client.GetByteArrayAsync("/v2/app/manifests/v1")).ShouldNotBe(mine);
    }

    /// <summary>What lies in a cache goes when it was not used for long.</summary>
    [Fact]
    [Promise("P1")]
    public async Task Import_IntoACache_IsRefused()
    {
        const string Hub = "kind: cache, upstream: { url: \"http://127.0.0.1:9\" }";
        WriteLayout("cache-layout", "v1");
        folder.Write("cache-import.yaml", $$"""
            data: cache-import
            listeners: [ { url: "http://127.0.0.1:0", registry: hub }, { url: "http://127.0.0.1:0", registry: main } ]
            registries: { hub: { {{Hub}} }, main: {} }
            """);
        folder.Write("cache-only.yaml", $$"""
            data: cache-only
            listeners: [ { url: "http://127.0.0.1:0", registry: hub } ]
            registries: { hub: { {{Hub}} } }
            """);
        string[] import = ["import", "cache-layout", "--into", "team/app", "--config"];

        var refused = await HoldfastProcess.RunAsync(folder.Path, [.. import, "cache-import.yaml", "--registry", "hub"]);
        var alone = await HoldfastProcess.RunAsync(folder.Path, [.. import, "cache-only.yaml"]);
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, [.. import, "cache-import.yaml"]);

        (refused.ExitCode, alone.ExitCode).ShouldBe((2, 2));
        refused.Errors.ShouldContain("hub: that is a cache");
        alone.Errors.ShouldContain("add a registry of kind hosted");
        exitCode.ShouldBe(0, errors);
        output.ShouldContain("took 1 tag and 1 manifest of 1 repository");
    }

    [Fact]
    public async Task Import_Dry_MakesNoDataFolder()
    {
        WriteLayout("dry-layout", "v1");
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["import", "dry-layout", "--into", "app", "--data", "never", "--dry-run"]);
        exitCode.ShouldBe(0, errors);
        output.ShouldContain("would take 1 tag and 1 manifest");
        Directory.Exists(Path.Combine(folder.Path, "never")).ShouldBeFalse();
    }

    [Fact]
    [Promise("P6")]
    public async Task Import_OfARegistryThatListsNothingOrNothingThatFits_IsNotSaidToBeComplete()
    {
        await using var source = await RunningServer.StartAsync(folder.Path, ["--data", "bare", "--listen", "http://127.0.0.1:0"]);
        string[] call = ["import", source.Addresses[0].Authority, "--data", "bare-target"];

        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, call);
        errors.ShouldContain("it lists no repositories");
        exitCode.ShouldBe(2);

        await SmallImage.PushAsync(source, "infra/app", "v1");
        (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, [.. call, "--repository", "infar/**"]);
        errors.ShouldContain("fits --repository infar/**");
        exitCode.ShouldBe(2);
        (await HoldfastProcess.RunAsync(folder.Path, [.. call, "--repository", "infra/**"])).ExitCode.ShouldBe(0);
    }

    [Theory]
    [InlineData("there is no file and no folder './absent'", "./absent")]
    [InlineData("does not begin with a registry's host", "absent")]
    [InlineData("holds no registry", ".")]
    [InlineData("there is no file and no folder 'http://***@x.example'", "http://ci:s3cret@x.example")]
    [InlineData("--link 'soft': auto, hard, reflink or copy", "x.example/a", "--link", "soft")]
    [InlineData("give one of the two", "x.example/a", "--into", "a", "--prefix", "b")]
    [InlineData("--into 'A' is no repository's name", "x.example/a", "--into", "A")]
    [InlineData("--interval", "x.example/a", "--follow", "--interval", "0s")]
    [InlineData("--min-rate", "x.example/a", "--min-rate", "fast")]
    [InlineData("--server needs --server-user", "x.example/a", "--server", "http://h.example:1")]
    [InlineData("--server-user goes with --server", "x.example/a", "--server-user", "a")]
    [InlineData("go with a data folder on this machine", "x.example/a", "--server", "http://h.example:1", "--server-user", "a", "--trust")]
    [InlineData("give --server or --data, not both", "x.example/a", "--server", "http://h.example:1", "--server-user", "a")]
    [InlineData("the source is missing: holdfast import SOURCE")]
    public async Task Import_WrongWords_AreRefusedWithWhatToDo(string message, params string[] arguments)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["import", .. arguments, "--data", "refused"]);
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.ShouldContain(message);
        errors.ShouldNotContain("s3cret");
        Directory.Exists(Path.Combine(folder.Path, "refused")).ShouldBeFalse();
    }

    private void WriteLayout(string name, string tag)
    {
        var path = Path.Combine(folder.Path, name);
        var blobs = Directory.CreateDirectory(Path.Combine(path, "blobs", "sha256")).FullName;
        var (config, layer) = (Put(blobs, "{}"), Put(blobs, "layer of " + name));
        var manifest = Put(blobs, $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
             "config":{"mediaType":"application/vnd.oci.image.config.v1+json",{{config}}},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",{{layer}}}]}
            """);
        File.WriteAllText(Path.Combine(path, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllText(
            Path.Combine(path, "index.json"),
            $$$"""{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",{{{manifest}}},"annotations":{"org.opencontainers.image.ref.name":"{{{tag}}}"}}]}""");
    }

    private static string Put(string blobs, string text)
    {
        var digest = SmallImage.DigestOf(Encoding.UTF8.GetBytes(text));
        File.WriteAllText(Path.Combine(blobs, digest[7..]), text);
        return $"\"digest\":\"{digest}\",\"size\":{Encoding.UTF8.GetByteCount(text)}";
    }
}
