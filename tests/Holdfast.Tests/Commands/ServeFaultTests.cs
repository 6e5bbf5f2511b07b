using System.Net;
using System.Net.Sockets;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>What keeps a server from starting is one line that says what to do next, and exit code 2.</summary>
public sealed class ServeFaultTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Free = "http://127.0.0.1:0";

    private string InFolder(string name) => Path.Combine(folder.Path, name);

    [Fact]
    public async Task Serve_PortInUse_NamesItAndTheRemedy()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://{other.LocalEndpoint}";
        (await FailAsync("--data", "port", "--listen", url)).ShouldBe(
            $"holdfast: Failed to bind to address {url}: address already in use; another program listens there (`ss -ltnp` shows it): stop it, or change the listener with --listen");
    }

    [Fact]
    public async Task Serve_AddressOfAnotherMachine_NamesIt() =>
        (await FailAsync("--data", "address", "--listen", "http://192.0.2.1:5000", "--set", "registries.default.auth=none")).ShouldBe(
            "holdfast: http://192.0.2.1:5000: this machine has no such address; `ip address` lists those it has, http://0.0.0.0:PORT is all of them");

    [Fact]
    public async Task Serve_FolderOfAnotherProcess_NamesFolderAndProcess()
    {
        await using var first = await RunningServer.StartAsync(folder.Path, ["--data", "locked", "--listen", Free]);
        (await FailAsync("--data", "locked", "--listen", Free)).ShouldBe(
            $"holdfast: the data folder '{InFolder("locked")}' is in use by another process (pid {first.Id}); stop that one, or give this one a folder of its own with --data");
        (await first.Client.GetAsync("/v2/")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Serve_FolderBelowAFile_SaysWhichFolderAndWhose()
    {
        folder.Write("file", "");
        var line = await FailAsync("--data", "file/data", "--listen", Free);
        line.ShouldStartWith($"holdfast: data folder {InFolder("file/data")}: ");
        line.ShouldEndWith($"; give one that user {Environment.UserName} may write, with --data or the key data");
    }

    [Fact]
    public async Task Serve_FolderThatMayNotBeWritten_SaysWhichFolderAndWhose()
    {
        Directory.CreateDirectory(InFolder("theirs"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string[] program = [HoldfastProcess.Program, "serve", "--listen", Free, "--data", "theirs/data"];
        // Root may write everywhere, unless its capabilities are taken away.
        if (Environment.UserName == "root")
            program = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all", .. program];
        var (exitCode, _, errors) = await HoldfastProcess.RunAsync(HoldfastProcess.Describe(program[0], folder.Path, program[1..], []), "");
        Assert.SkipWhen(errors.StartsWith("setpriv:", StringComparison.Ordinal), "root can't give up its capabilities here: " + errors);
        errors.ShouldBe(
            $"holdfast: data folder {InFolder("theirs/data")}: Access to the path '{InFolder("theirs/data")}' is denied; "
            + $"give one that user {Environment.UserName} may write, with --data or the key data\n");
        exitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Serve_DatabaseThatIsNone_NamesItAndTheRemedy()
    {
        Directory.CreateDirectory(InFolder("damaged"));
        folder.Write("damaged/holdfast.db", "this was a database once, and is one no more");
        var line = await FailAsync("--data", "damaged", "--listen", Free);
        line.ShouldStartWith($"holdfast: database {InFolder("damaged/holdfast.db")}: ");
        line.ShouldContain("not a database");
        line.ShouldEndWith("if it is damaged, put a backup in its place");
    }

    [Fact]
    public async Task Serve_KeyThatIsNone_NamesItAndTheRemedy()
    {
        Directory.CreateDirectory(InFolder("key"));
        File.SetUnixFileMode(folder.Write("key/token.key", "short"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await FailAsync("--data", "key", "--listen", Free, "--set", "registries.a.auth.htpasswd=users")).ShouldBe(
            $"holdfast: {InFolder("key/token.key")}: not a key of 32 bytes; remove it to get a new one (clients then log in again)");
    }

    [Fact]
    [Promise("P9")]
    public async Task Serve_BadFiles_EveryLineOfThemAndNothingServed()
    {
        folder.Write("bad-users", "ci:$apr1$x$y\nnobody\n");
        folder.Write("bad.yaml", "data: bad\nstorage: { maxsize: 5GiB }\nlisteners:\n  - { url: http://127.0.0.1:0 }\nregistries:\n  a: { auth: { htpasswd: bad-users } }\n");
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", "-c", "bad.yaml"]);
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(4);
        lines[0].ShouldStartWith("bad.yaml:2: storage.maxsize: unknown key; did you mean registries.<name>.size.max?");
        lines[1].ShouldStartWith("bad.yaml:6: registries.a.auth.htpasswd: ");
        lines[1].ShouldContain("bad-users:1: user 'ci' has an MD5 hash");
        lines[2].ShouldContain("bad-users:2: not a line of the form name:hash");
        lines[3].ShouldBe("holdfast: not started; the configuration has the problems above");
        Directory.Exists(InFolder("bad")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("srve", "no command 'srve'; did you mean serve?")]
    [InlineData("frobnicate", "no command 'frobnicate'; known are serve, config, rebuild, scan, repair, import, user, status, trash, gc, scrub, incidents, heal, verify, probe, bench, retention, cache, containerd, kubernetes")]
    [InlineData("config chek", "no command 'chek'; did you mean check?")]
    [InlineData("serve --lisen http://127.0.0.1:0", "no option --lisen; did you mean --listen?")]
    [InlineData("serve --log-level debug", "no option --log-level; any key of the configuration is given by --set, as in --set log.level=debug")]
    [InlineData("serve 127.0.0.1:0", "'127.0.0.1:0' is too much: holdfast serve takes options only")]
    [InlineData("incidents show x", "'x' is no id, which is a whole number: holdfast incidents show ID")]
    [InlineData("incidents acknowledge 7 x", "'x' is no id, which is a whole number: holdfast incidents acknowledge ID")]
    [InlineData("trash list --limit x", "--limit 'x': not a whole number")]
    [InlineData("rebuild --listen http://127.0.0.1:0", "no option --listen; any key of the configuration is given by --set, as in --set log.level=debug")]
    [InlineData("user remove --file users", "the name is missing: holdfast user remove NAME")]
    [InlineData("user remove ci", "--file is missing: --file HTPASSWD")]
    public async Task Run_Mistyped_OneLineAndTheWayToHelp(string arguments, string says)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, arguments.Split(' '));
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(2);
        lines[0].ShouldBe($"holdfast: {says}");
        lines[1].ShouldEndWith("--help`.");
    }

    [Theory]
    [InlineData("", "holdfast serve --config")]
    [InlineData("user", "holdfast user add ci --file")]
    public async Task Run_CommandMissing_ShowsTheHelp(string arguments, string shows)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.ShouldContain(shows);
    }

    [Theory]
    [InlineData("incidents show --help", "holdfast incidents show <id>")]
    [InlineData("user add -h", "--password-stdin")]
    public async Task Help_OfWhatNeedsMore_IsShown(string arguments, string shows)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, arguments.Split(' '));
        exitCode.ShouldBe(0);
        errors.ShouldBeEmpty();
        output.ShouldContain(shows);
    }

    [Fact]
    public async Task Help_OfCommandsBelow_IsTheirFirstSentence()
    {
        var (exitCode, output, _) = await HoldfastProcess.RunAsync(folder.Path, ["--help"]);
        exitCode.ShouldBe(0);
        var commands = output[output.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        commands.Length.ShouldBe(20);
        commands.ShouldAllBe(line => line.TrimEnd().EndsWith('.') || line.Contains(':', StringComparison.Ordinal));
        (await HoldfastProcess.RunAsync(folder.Path, ["trash", "list", "--help"])).Output.ShouldContain("holdfast trash list --cause retention --json");
    }

    private async Task<string> FailAsync(params string[] arguments)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", .. arguments]);
        exitCode.ShouldBe(2, errors);
        output.ShouldBeEmpty();
        return errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem();
    }
}
