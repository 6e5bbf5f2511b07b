using Holdfast.Configuration;
using Holdfast.Server;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

/// <summary>Collection, trash, scrub and healing.</summary>
public sealed class IntegrityTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    public static TheoryData<string, string> Values => new()
    {
        { "collection: { grace: 366d }", "collection.grace: '366d' is too long; at most 8760h" },
        { "collection: { lease: -1s }", "collection.lease: '-1s' is negative" },
        { "collection: { interval: 99ms }", "collection.interval: '99ms' is too short; at least 100ms" },
        { "collection: { interval: 25h }", "collection.interval: '25h' is too long; at most 24h" },
        { "collection: { maxReviewsPerSecond: 0 }", "collection.maxReviewsPerSecond: '0' is not a whole number from 1 to 1000000" },
        { "trash: { keep: 3651d }", "trash.keep: '3651d' is too long; at most 87600h" },
        { "scrub: { period: 999ms }", "scrub.period: '999ms' is too short; at least 1s" },
        { "scrub: { period: 366d }", "scrub.period: '366d' is too long; at most 8760h" },
        { "scrub: { sweep: 500ms }", "scrub.sweep: '500ms' is too short; at least 1s" },
        { "scrub: { sweep: 2d }", "scrub.sweep: '2d' is too long; at most 24h" },
        { "scrub: { maxFilesPerSecond: x }", "scrub.maxFilesPerSecond: 'x' is not a whole number from 1 to 10000000" },
        { "scrub: { rate: 50MiB }", "scrub.rate: '50MiB' is a size, not a rate; write 50MiB/s" },
        { "scrub: { rate: 50Mib/s }", "scrub.rate: '50Mib/s' is not a rate; write a size and /s: 50MiB/s, 1GB/s" },
        { "scrub: { rate: fast }", "scrub.rate: 'fast' is not a rate; write a size and /s: 50MiB/s, 1GB/s" },
        { "scrub: { rate: -1MiB/s }", "scrub.rate: '-1MiB/s' is not a rate; write a size and /s: 50MiB/s, 1GB/s" },
        { "scrub: { rate: 0/s }", "scrub.rate: '0/s' is too slow; at least 1KiB/s" },
        { "scrub: { rate: 2TiB/s }", "scrub.rate: '2TiB/s' is too fast; at most 1TiB/s" },
    };

    public static TheoryData<string, string> Donors => new()
    {
        { "{}", "heal.donors[0]: names neither registry nor folder; write `registry: URL` or `folder: PATH`" },
        { "https://mirror.example", "heal.donors[0]: 'https://mirror.example' is not a mapping; write `registry: URL` or `folder: PATH`" },
        { "{ registry: https://mirror.example, folder: . }", "heal.donors[0].folder: given beside registry; a donor is one of the two: make two donors of it" },
        { "{ registry: mirror.example }", "heal.donors[0].registry: 'mirror.example' is not an http or https URL without user, query and fragment, such as https://mirror.example" },
        { "{ registry: \"https://a:b@mirror.example\" }", "heal.donors[0].registry: 'https://a:b@mirror.example' is not an http or https URL without user, query and fragment, such as https://mirror.example" },
        { "{ registry: ftp://mirror.example }", "heal.donors[0].registry: 'ftp://mirror.example' is not an http or https URL without user, query and fragment, such as https://mirror.example" },
        { "{ registry: https://mirror.example, username: a }", "heal.donors[0].passwordFile: missing; username needs the password, in a file" },
        { "{ registry: https://mirror.example, passwordFile: users }", "heal.donors[0].username: missing; say whose password passwordFile holds" },
        { "{ registry: https://mirror.example, username: a, passwordFile: nope }", "heal.donors[0].passwordFile: no file '{folder}/nope'" },
        { "{ folder: ., username: a }", "heal.donors[0].username: given for a folder, where nobody logs in; remove it" },
        { "{ folder: ., passwordFile: users }", "heal.donors[0].passwordFile: given for a folder, where nobody logs in; remove it" },
        { "{ folder: a/b/c }", "heal.donors[0].folder: no folder '{folder}/a/b/c'; the nearest that exists is '{folder}'" },
        { "{ folder: /nowhere/at/all }", "heal.donors[0].folder: no folder '/nowhere/at/all'; the nearest that exists is '/'" },
        { "{ folder: users }", "heal.donors[0].folder: '{folder}/users' is a file; name a folder" },
        { "{ folder: data/ }", "heal.donors[0].folder: is the data folder itself, which can't heal itself; name another copy" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    [Promise("P9")]
    public void Load_ImpossibleValue_SaysWhatIsPossible(string yaml, string line) => OneError(yaml, line);

    [Theory]
    [MemberData(nameof(Donors))]
    [Promise("P9")]
    public void Load_BadDonor_OnePreciseLine(string donor, string line) => OneError($"heal: {{ donors: [ {donor} ] }}", line);

    [Fact]
    public void Load_EveryKey_ReachesItsOption()
    {
        var result = folder.Load("""
            collection: { grace: 0s, lease: 0s, maxReviewsPerSecond: 5, interval: 100ms }
            trash: { keep: 3d }
            scrub: { period: 1s, rate: 2KiB/s, sweep: 2s, maxFilesPerSecond: 9 }
            heal:
              donors:
                - { registry: "https://mirror.example/team", username: healer, passwordFile: users }
                - { folder: . }
            """);
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        var server = result.Configuration!.Server;
        server.Collection.ShouldBe(new CollectionOptions { Grace = TimeSpan.Zero, Lease = TimeSpan.Zero, MaxReviewsPerSecond = 5, Interval = TimeSpan.FromMilliseconds(100) });
        server.Trash.ShouldBe(new TrashOptions { Keep = TimeSpan.FromDays(3) });
        server.Scrub.ShouldBe(new ScrubOptions { Period = TimeSpan.FromSeconds(1), BytesPerSecond = 2048, SweepInterval = TimeSpan.FromSeconds(2), MaxFilesPerSecond = 9 });
        server.Heal.Donors.ShouldBe(
        [
            new DonorOptions { Registry = new Uri("https://mirror.example/team"), Username = "healer", PasswordFile = Path.Combine(folder.Path, "users") },
            new DonorOptions { Folder = folder.Path },
        ]);
    }

    [Fact]
    public void Load_NothingGiven_HealsFromNobodyAndRemovesNothing()
    {
        var server = folder.LoadWithoutFile().Configuration!.Server;
        server.Heal.Donors.ShouldBeEmpty();
        server.Retention.ShouldBeEmpty();
    }

    [Fact]
    public void Load_TrashOfNoTime_IsAFinding()
    {
        var result = folder.Load("trash: { keep: 0s }");
        ConfigurationFolder.Lines(result).ShouldBe(["h.yaml:1: trash.keep: with 0s no delete can be undone; write for example 7d"]);
        result.Configuration!.Server.Trash.Keep.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void Load_SameDonorTwice_IsAFinding()
    {
        var result = folder.Load("heal:\n  donors:\n    - { folder: . }\n    - { folder: ./ }\n");
        ConfigurationFolder.Lines(result).ShouldBe(["h.yaml:4: heal.donors[1]: the same donor as at h.yaml:3; remove one"]);
        result.Configuration.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("http://mirror.example", 1)]
    [InlineData("https://mirror.example", 0)]
    [InlineData("http://127.0.0.1:5000", 0)]
    public void Load_PasswordForADonorOverPlainHttp_IsNoted(string registry, int notes)
    {
        var result = folder.Load($"heal: {{ donors: [ {{ registry: \"{registry}\", username: a, passwordFile: users }} ] }}");
        result.Configuration!.Notes.Count(n => n == $"donor {registry} gets a password over plain http; use https").ShouldBe(notes);
    }

    private void OneError(string yaml, string line)
    {
        var result = folder.Load(yaml);
        ConfigurationFolder.Lines(result).ShouldBe(["h.yaml:1: " + line.Replace("{folder}", folder.Path, StringComparison.Ordinal)]);
        result.Configuration.ShouldBeNull();
    }
}
