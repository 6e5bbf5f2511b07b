using Holdfast.Configuration;
using Holdfast.Server.Http;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class OverrideTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    public static TheoryData<string, string, string> BadVariables => new()
    {
        { "HOLDFAST_UPLOADS_MAX_AGE", "3h", "environment HOLDFAST_UPLOADS_MAX_AGE: unknown key; did you mean HOLDFAST_UPLOADS_MAXAGE?" },
        { "HOLDFAST_DTAA", "x", "environment HOLDFAST_DTAA: unknown key; did you mean HOLDFAST_DATA?" },
        { "HOLDFAST_LOGG_LEVEL", "debug", "environment HOLDFAST_LOGG_LEVEL: unknown key; did you mean HOLDFAST_LOG_LEVEL?" },
        { "HOLDFAST_LOG", "debug", "environment HOLDFAST_LOG: names a group of keys; add one of format, level, access" },
        { "HOLDFAST_REGISTRIES", "x", "environment HOLDFAST_REGISTRIES: names a group of keys; add the name of one" },
        { "HOLDFAST_REGISTRIES_PRIVATE_AUHT", "none", "environment HOLDFAST_REGISTRIES_PRIVATE_AUHT: unknown key; did you mean HOLDFAST_REGISTRIES_PRIVATE_AUTH?" },
        { "HOLDFAST_LOG_LEVEL_X", "debug", "environment HOLDFAST_LOG_LEVEL_X: unknown key; nothing lies below LOG_LEVEL" },
        { "HOLDFAST_DISK_RESERVE", "-1", "environment HOLDFAST_DISK_RESERVE: disk.reserve: '-1' is negative" },
        { "HOLDFAST_SCRUB_RATE", "50MiB", "environment HOLDFAST_SCRUB_RATE: scrub.rate: '50MiB' is a size, not a rate; write 50MiB/s" },
        { "HOLDFAST_RETENTION_1_KEEPNEWEST", "1", "environment HOLDFAST_RETENTION_1_KEEPNEWEST: item 1 of a list that has 0; the next is 0" },
        { "HOLDFAST_LISTENERS_1_URL", "http://127.0.0.1:1", "environment HOLDFAST_LISTENERS_1_URL: item 1 of a list that has 0; the next is 0" },
        { "HOLDFAST_LISTENERS_X_URL", "http://127.0.0.1:1", "environment HOLDFAST_LISTENERS_X_URL: 'X' is not the number of an item; the first is 0" },
        { "HOLDFAST_REGISTRIES_DEFAULT_SIZE_MAX", "1GiB", "environment HOLDFAST_REGISTRIES_DEFAULT_SIZE_MAX: registries.default.size: is a cache's, and this registry is hosted; write `kind: cache`, or remove it" },
        { "HOLDFAST_CONFIG", "/nowhere.yaml", "/nowhere.yaml: no such file; `holdfast config sample` prints one to start from" },
    };

    [Theory]
    [MemberData(nameof(BadVariables))]
    [Promise("P9")]
    public void Load_BadVariable_IsAProblemThatNamesIt(string name, string value, string line)
    {
        var result = folder.LoadWithoutFile(null, (name, value));
        ConfigurationFolder.Lines(result).ShouldBe([line]);
        result.Configuration.ShouldBeNull();
    }

    [Fact]
    public void Load_Variables_WinOverTheFile()
    {
        const string Yaml = "data: /x\nregistries:\n  my-team: { auth: none }\n  b: { auth: { htpasswd: nope } }\nlisteners:\n  - { url: http://127.0.0.1:1, registry: my-team }\n  - { url: http://127.0.0.1:2, registry: b }\n";
        var result = folder.Load(
            Yaml,
            null,
            ("HOLDFAST_DATA", "there"),
            ("HOLDFAST_UPLOADS_MAXAGE", "48h"),
            ("HOLDFAST_LISTENERS_1_URL", "http://127.0.0.1:3"),
            ("HOLDFAST_REGISTRIES_MYTEAM_AUTH_HTPASSWD", "users"),
            ("HOLDFAST_REGISTRIES_MYTEAM_AUTH_ANONYMOUS", "pull"),
            ("HOLDFAST_REGISTRIES_B_AUTH", "none"),
            ("HOLDFAST_PROXIES_TRUSTED", "10.0.0.0/8, 192.168.1.1"),
            ("UNRELATED", "x"));
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        var configuration = result.Configuration!;
        configuration.DataFolder.ShouldBe(Path.Combine(folder.Path, "there"));
        configuration.Server.Uploads.MaxAge.ShouldBe(TimeSpan.FromHours(48));
        configuration.Server.Listeners.Select(l => l.Url.Port).ShouldBe([1, 3]);
        configuration.Server.Registries[0].Name.ShouldBe("my-team");
        configuration.Server.Registries[0].Auth!.Anonymous.ShouldBe(RegistryActions.Pull);
        configuration.Server.Registries[1].Auth.ShouldBeNull();
        configuration.Server.TrustedProxies.Select(p => p.ToString()).ShouldBe(["10.0.0.0/8", "192.168.1.1/32"]);
    }

    [Fact]
    public void Load_IntegrityByVariablesAndArguments_ReachesTheOptions()
    {
        var result = folder.Load(
            "trash: { keep: 1d }\nretention:\n  - { registries: [default], repositories: [a], keepNewest: 3 }\n",
            new ConfigurationArguments { Set = ["scrub.rate=1GB/s", "retention.0.maxRemoved=50%", "collection.lease=0s"] },
            ("HOLDFAST_TRASH_KEEP", "2d"),
            ("HOLDFAST_SCRUB_MAXFILESPERSECOND", "7"),
            ("HOLDFAST_HEAL_DONORS_0_FOLDER", "."),
            ("HOLDFAST_RETENTION_0_KEEPTAGS", "v*,latest"),
            ("HOLDFAST_RETENTION_1_REGISTRIES", "*"),
            ("HOLDFAST_RETENTION_1_REPOSITORIES", "**"),
            ("HOLDFAST_RETENTION_1_KEEPYOUNGERTHAN", "3d"));
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        var server = result.Configuration!.Server;
        server.Trash.Keep.ShouldBe(TimeSpan.FromDays(2));
        (server.Scrub.BytesPerSecond, server.Scrub.MaxFilesPerSecond).ShouldBe((1_000_000_000, 7));
        server.Collection.Lease.ShouldBe(TimeSpan.Zero);
        server.Heal.Donors.ShouldHaveSingleItem().Folder.ShouldBe(folder.Path);
        server.Retention[0].ShouldSatisfyAllConditions(
            r => r.KeepNewest.ShouldBe(3), r => r.KeepTags.ShouldBe(["v*", "latest"]), r => r.MaxRemovedPercent.ShouldBe(50));
        server.Retention[1].KeepYoungerThan.ShouldBe(TimeSpan.FromDays(3));
    }

    [Fact]
    public void Load_ElevenListenersFromVariables_AreTakenInOrder()
    {
        var variables = Enumerable.Range(0, 11).Select(i => ($"HOLDFAST_LISTENERS_{i}_URL", $"http://127.0.0.1:{100 + i}"));
        var result = folder.LoadWithoutFile(null, [.. variables]);
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.Server.Listeners.Select(l => l.Url.Port).ShouldBe(Enumerable.Range(100, 11));
    }

    [Fact]
    public void Load_VariablesOfAKubernetesService_ArePassedOver()
    {
        var result = folder.LoadWithoutFile(
            null,
            ("HOLDFAST_SERVICE_HOST", "10.0.0.1"),
            ("HOLDFAST_SERVICE_PORT", "5000"),
            ("HOLDFAST_SERVICE_PORT_REGISTRY", "5000"),
            ("HOLDFAST_PORT", "tcp://10.0.0.1:5000"),
            ("HOLDFAST_PORT_5000_TCP", "tcp://10.0.0.1:5000"),
            ("HOLDFAST_PORT_5000_TCP_ADDR", "10.0.0.1"),
            ("HOLDFAST_WEB_SERVICE_HOST", "10.0.0.2"));
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
    }

    [Fact]
    public void Load_Arguments_WinOverVariablesAndFile()
    {
        var result = folder.Load(
            "data: /x\nlisteners:\n  - url: http://127.0.0.1:1\n",
            new ConfigurationArguments { Data = "mine", Listen = ["http://127.0.0.1:8", "default=http://127.0.0.1:9"], Set = ["disk.reserve=5GiB"] },
            ("HOLDFAST_DATA", "/y"),
            ("HOLDFAST_DISK_RESERVE", "1GiB"));
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.DataFolder.ShouldBe(Path.Combine(folder.Path, "mine"));
        result.Configuration.Server.Listeners.Select(l => l.Url.Port).ShouldBe([8, 9]);
        result.Configuration.Server.DiskReserveBytes.ShouldBe(5L << 30);
    }

    [Theory]
    [InlineData("disk.reserv=3", "--set disk.reserv: unknown key; did you mean disk.reserve?")]
    [InlineData("disk.reserve", "--set: 'disk.reserve' is not key=value; write for example disk.reserve=5GiB")]
    [InlineData("listeners.0.url=x", "--set listeners.0.url: listeners[0].url: 'x' does not begin with http:// or https://; write for example http://127.0.0.1:5000")]
    [Promise("P9")]
    public void Load_BadSet_NamesTheArgument(string assignment, string line) =>
        ConfigurationFolder.Lines(folder.LoadWithoutFile(new ConfigurationArguments { Set = [assignment] })).ShouldBe([line]);

    [Theory]
    [InlineData("0.0.0.0:5000", "--listen: listeners[0].url: '0.0.0.0:5000' does not begin with http:// or https://; write http://0.0.0.0:5000")]
    [InlineData("privat=http://127.0.0.1:1", "--listen: listeners[0].registry: no registry 'privat'; known are default")]
    [Promise("P9")]
    public void Load_BadListen_NamesTheArgument(string listen, string line) =>
        ConfigurationFolder.Lines(folder.LoadWithoutFile(new ConfigurationArguments { Listen = [listen] })).ShouldBe([line]);
}
