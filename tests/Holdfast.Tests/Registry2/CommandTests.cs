using System.Text.Json;
using Holdfast.Tests.Commands;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

/// <summary><c>holdfast config from-registry2</c> as a user calls it.</summary>
public sealed class CommandTests : IDisposable
{
    private const string Fine = """
        version: 0.1
        storage: { filesystem: { rootdirectory: /srv/registry }, delete: { enabled: true } }
        http: { addr: "127.0.0.1:5000" }

        """;

    private readonly OldRegistry _old = new();

    public void Dispose() => _old.Dispose();

    [Fact]
    public async Task StandardOutput_WithoutO_IsTheConfigurationAlone()
    {
        _old.Write("config.yml", Fine);
        var (code, output, errors) = await RunAsync("config.yml", "--data", Path.Combine(_old.Folder, "data"));
        code.ShouldBe(0, errors);
        output.ShouldStartWith("# Made by");
        errors.ShouldContain("taken");
        errors.ShouldContain("holdfast import /srv/registry");
        _old.Write("new.yaml", output);
        (await HoldfastProcess.RunAsync(_old.Folder, ["config", "check", "--config", "new.yaml"])).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Output_WithUsersAndAnUpstreamsPassword_IsFilesForTheirOwner()
    {
        _old.Write("users", $"ci:{OldRegistry.Bcrypt}\nold:plain\n");
        _old.Write("private.yml", Fine + "auth: { htpasswd: { realm: r, path: users } }\n");
        _old.Write("hub.yml", Fine.Replace("5000", "5001", StringComparison.Ordinal) + "proxy: { remoteurl: 'https://registry-1.docker.io', username: me, password: hush }\n");
        var (code, output, errors) = await RunAsync("private.yml", "hub.yml", "-o", "new.yaml");
        code.ShouldBe(1, errors);
        errors.ShouldBe("");
        output.ShouldContain("1 taken, 1 not");
        (await File.ReadAllTextAsync(At("private.htpasswd"), Token)).ShouldBe($"ci:{OldRegistry.Bcrypt}\n");
        (await File.ReadAllTextAsync(At("dockerhub.upstream.password"), Token)).ShouldBe("hush\n");
        foreach (var secret in new[] { "private.htpasswd", "dockerhub.upstream.password" })
            File.GetUnixFileMode(At(secret)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        output.ShouldNotContain("hush");
        (await HoldfastProcess.RunAsync(_old.Folder, ["config", "check", "--config", "new.yaml"])).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Output_OverFilesThatAreThere_WantsForce()
    {
        _old.Write("config.yml", Fine);
        _old.Write("new.yaml", "mine");
        var (code, output, _) = await RunAsync("config.yml", "-o", "new.yaml");
        code.ShouldBe(2);
        output.ShouldContain("--force");
        (await File.ReadAllTextAsync(At("new.yaml"), Token)).ShouldBe("mine");
        (await RunAsync("config.yml", "-o", "new.yaml", "--force")).ExitCode.ShouldBe(0);
        (await RunAsync("config.yml", "-o", "absent/new.yaml")).Output.ShouldContain("there is no folder");
    }

    [Fact]
    public async Task Json_OfFindings_NamesEachSetting()
    {
        _old.Write("config.yml", Fine.Replace("filesystem: {", "filesystem: { maxsize: 1GB,", StringComparison.Ordinal));
        var (code, output, _) = await RunAsync("config.yml", "--json");
        code.ShouldBe(1);
        using var json = JsonDocument.Parse(output);
        var root = json.RootElement;
        root.GetProperty("fine").GetBoolean().ShouldBeFalse();
        root.GetProperty("starts").GetBoolean().ShouldBeTrue();
        root.GetProperty("configuration").GetString().ShouldNotBeNull().ShouldContain("listeners:");
        var file = root.GetProperty("files")[0];
        file.GetProperty("root").GetString().ShouldBe("/srv/registry");
        file.GetProperty("settings").EnumerateArray().Single(s => s.GetProperty("key").GetString() == "storage.filesystem.maxsize").GetProperty("verdict").GetString().ShouldBe("unknown");
    }

    [Theory]
    [InlineData("the config is missing")]
    [InlineData("no such file", "absent.yml")]
    [InlineData("neither 2 nor 3", "config.yml", "--release", "4")]
    [InlineData("REGISTRY_NAME=value", "config.yml", "--env", "PATH=/bin")]
    [InlineData("does not begin with http", "config.yml", "--listen", "5000")]
    [InlineData("is none of the registries here", "config.yml", "--htpasswd", "elsewhere=/x")]
    [InlineData("nothing was made of it", "config.yml", "--env", "REGISTRY_LOG_LEVEL=loud")]
    public async Task Usage_ThatCantBeDone_Is2AndSaysWhatToDo(string says, params string[] arguments)
    {
        _old.Write("config.yml", Fine);
        var (code, output, errors) = await RunAsync(arguments);
        code.ShouldBe(2, output);
        errors.ShouldContain(says);
        output.ShouldBe("");
    }

    [Fact]
    public async Task Input_FromAPipe_IsRead()
    {
        var (code, output, errors) = await HoldfastProcess.RunWithInputAsync(_old.Folder, Fine, "config", "from-registry2", "-", "--env", "main=REGISTRY_HTTP_ADDR=127.0.0.1:5009", "--env", "REGISTRY_LOG_LEVEL=warn");
        code.ShouldBe(2, output);
        errors.ShouldContain("is none of the registries here: registry");
        (code, output, errors) = await HoldfastProcess.RunWithInputAsync(_old.Folder, Fine, "config", "from-registry2", "main=-", "--env", "main=REGISTRY_HTTP_ADDR=127.0.0.1:5009");
        code.ShouldBe(0, errors);
        output.ShouldContain("127.0.0.1:5009");
        output.ShouldContain("registry: main");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string At(string name) => Path.Combine(_old.Folder, name);

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) =>
        HoldfastProcess.RunAsync(_old.Folder, ["config", "from-registry2", .. arguments]);
}
