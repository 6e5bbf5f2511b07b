using Holdfast.Client.Probe;
using Holdfast.Client.Tests.Walk;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Probe;

/// <summary>Rounds: what each looks at, what it remembers, what it says.</summary>
public sealed class ProbeTests : IDisposable
{
    private static readonly string[] Repositories = ["a", "b"];

    private readonly ManualTime _time = new();
    private readonly ProbeMemory _memory;
    private readonly ProbeGauges _gauges = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-test-");

    public ProbeTests()
    {
        _memory = new ProbeMemory("host:1", _time);
        _gauges.Begin(_memory);
    }

    [Fact]
    public async Task Round_AfterAnother_AsksByHeadForWhatHasNotChanged()
    {
        var content = Registry(tags: 3);
        await using var upstream = await content.StartAsync();
        var first = await RunAsync(upstream);
        var before = upstream.Requests.Count;

        var second = await RunAsync(upstream);

        (first.Tags, second.Tags).ShouldBe((6, 6));
        first.Counts.BytesRead.ShouldBeGreaterThan(0);
        second.Counts.BytesRead.ShouldBe(0);
        second.Counts.Indexes.ShouldBe(first.Counts.Indexes);
        upstream.Requests.Skip(before).Where(seen => seen.Method == "GET")
            .ShouldAllBe(seen => seen.Target.Contains("_catalog", StringComparison.Ordinal) || seen.Target.Contains("/tags/list", StringComparison.Ordinal) || seen.Target.Contains("/referrers/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Round_WithoutANext_KeepsNoManifestAndAsksForNoneByHead()
    {
        var content = Registry(tags: 3);
        await using var upstream = await content.StartAsync();
        var only = new ProbeMemory("host:1", _time) { IsKept = false };

        var round = await RunAsync(upstream, only);

        (round.Tags, round.Broken.Count).ShouldBe((6, 0));
        only.ReadManifests.ShouldBeEmpty();
        upstream.Requests.ShouldAllBe(seen => seen.Method != "HEAD" || !seen.Target.Contains("/manifests/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Round_ADayLater_ReadsTheBytesAgain()
    {
        var content = Registry(tags: 2);
        await using var upstream = await content.StartAsync();
        var first = await RunAsync(upstream);
        _time.Advance(TimeSpan.FromHours(17));
        (await RunAsync(upstream)).Counts.BytesRead.ShouldBe(0);
        _time.Advance(TimeSpan.FromHours(7));

        // Four layers at least; manifests that two repositories share may be read twice.
        (await RunAsync(upstream)).Counts.BytesRead.ShouldBeInRange(4_000, first.Counts.BytesRead * 2);
    }

    [Fact]
    public async Task Round_AfterARestart_RemembersFromItsFile()
    {
        var content = Registry(tags: 3);
        await using var upstream = await content.StartAsync();
        await RunAsync(upstream);
        var file = Path.Combine(_folder.FullName, "memory");
        ProbeMemoryFile.Save(file, [_memory]);

        var (memories, problem) = ProbeMemoryFile.Load(file, _time);
        problem.ShouldBeNull();
        var round = await RunAsync(upstream, memories["host:1"]);

        round.Counts.BytesRead.ShouldBe(0);
        round.Counts.Indexes.ShouldBe(6);
        memories["host:1"].Tags.Count.ShouldBe(6);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("{}\n", true)]
    [InlineData("[\"holdfast-probe-memory\",2]\n", true)]
    [InlineData("[\"holdfast-probe-memory\",1]\n[\"tag\",\"a\",\"v\",1,0]\n", true)]
    [InlineData("[\"holdfast-probe-memory\",1]\n[\"instance\",\"h\",0]\n[\"tag\",\"../a\",\"v\",1,0]\n", true)]
    [InlineData("[\"holdfast-probe-memory\",1]\n[\"instance\",\"h\",0]\n[\"manifest\",\"sha256:x\"]\n", true)]
    [InlineData("[\"holdfast-probe-memory\",1]\n[\"instance\",\"h\",0]\n[\"tag\",\"a\",\"v\",1,0", true)]
    [InlineData("[\"holdfast-probe-memory\",1]\n[\"instance\",null,0]\n", true)]
    [InlineData("[\"holdfast-probe-memory\",1]\n[\"instance\",\"h\",0]\n[\"what\"]\n", true)]
    public void Memory_FromAFileThatIsNotRight_IsToldAndBegunAnew(string text, bool isProblem)
    {
        var file = Path.Combine(_folder.FullName, "memory");
        File.WriteAllText(file, text);

        var (_, problem) = ProbeMemoryFile.Load(file, _time);

        (problem is not null).ShouldBe(isProblem);
    }

    [Fact]
    public async Task Rounds_WithACap_TakeTurnsUntilAllHadOne()
    {
        var content = Registry(tags: 10);
        await using var upstream = await content.StartAsync();
        for (var i = 0; i < 4; i++)
        {
            (await RunAsync(upstream, most: 6)).Tags.ShouldBeLessThanOrEqualTo(6);
            _time.Advance(TimeSpan.FromMinutes(15));
        }

        _memory.Tags.Count.ShouldBe(20);
        _memory.Tags.Values.ShouldAllBe(state => state.CheckedAt > 0);
        // Four rounds of six are twenty and the first four once more.
        var last = _memory.Tags.Values.Max(state => state.CheckedAt);
        _memory.Tags.Values.Count(state => state.CheckedAt == last).ShouldBe(6);
    }

    [Fact]
    public async Task Rounds_AfterAClockThatRanAhead_StillTakeTurns()
    {
        var content = Registry(tags: 10);
        await using var upstream = await content.StartAsync();
        await RunAsync(upstream, most: 6);
        var ahead = _time.GetUtcNow().AddYears(1).ToUnixTimeSeconds();
        foreach (var tag in _memory.Tags.Keys.Take(10))
            _memory.Tags[tag] = new TagState(ahead, 0);
        for (var i = 0; i < 4; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(15));
            await RunAsync(upstream, most: 6);
        }

        _memory.Tags.Values.ShouldAllBe(state => state.CheckedAt > 0 && state.CheckedAt < ahead);
    }

    [Fact]
    [Promise("P8")]
    public async Task Failure_OfATagThatIsNotUpNext_StaysUntilItIsRight()
    {
        var content = Registry(tags: 10);
        var child = content.Tags["v03"];
        var kept = content.Manifests[child];
        content.Manifests.TryRemove(child, out _);
        await using var upstream = await content.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await RunAsync(upstream, most: 5);
            _time.Advance(TimeSpan.FromMinutes(15));
        }

        Value("registry_manifest_integrity_failures").ShouldBe(2); // in both repositories
        _gauges.Write().ShouldContain("holdfast_probe_repository_failures{instance=\"host:1\",repository=\"a\"} 1\n");
        content.Manifests[child] = kept;
        await RunAsync(upstream, most: 5);
        Value("registry_manifest_integrity_failures").ShouldBe(0);
        _gauges.Write().ShouldNotContain("holdfast_probe_repository_failures");
    }

    [Theory]
    [InlineData(200, """{"repositories":[]}""")]
    [InlineData(200, """{"repositories":null}""")]
    [InlineData(200, "<html>")]
    [InlineData(401, "")]
    [InlineData(403, "")]
    [InlineData(404, "")]
    [InlineData(500, "")]
    public async Task Catalogue_ThatIsEmptyForbiddenOrAway_IsInaccessibleAndTheStampStays(int status, string body)
    {
        var content = Registry(tags: 1);
        await using var upstream = await content.StartAsync();
        await RunAsync(upstream);
        var stamp = Value("registry_manifest_integrity_last_run_timestamp");
        var usual = content.Instead;
        content.Instead = (context, path) => path == "/v2/_catalog" ? context.AnswerAsync(status, body) : usual(context, path);
        _time.Advance(TimeSpan.FromMinutes(15));

        var round = await RunAsync(upstream);

        round.IsFinished.ShouldBeFalse();
        Value("registry_manifest_integrity_catalog_accessible").ShouldBe(0);
        Value("registry_manifest_integrity_last_run_timestamp").ShouldBe(stamp);
        Value("registry_manifest_integrity_failures").ShouldBe(0);
        content.Instead = usual;
        await RunAsync(upstream);
        Value("registry_manifest_integrity_catalog_accessible").ShouldBe(1);
        Value("registry_manifest_integrity_last_run_timestamp").ShouldBe(stamp + 900);
    }

    [Fact]
    public async Task Catalogue_EmptyWhereItMayBe_IsAFinishedRound()
    {
        var content = Registry(tags: 1);
        content.Instead = static (context, path) => context.AnswerAsync(200, path == "/v2/_catalog" ? """{"repositories":[]}""" : "{}");
        await using var upstream = await content.StartAsync();
        using var client = new RegistryClient(new RegistryClientOptions { Registry = upstream.Address });
        var round = await new RegistryProbe(client, _memory, new ProbeOptions { Time = _time, MayBeEmpty = true }).RunAsync(CancellationToken.None);
        (round.IsFinished, round.CatalogAccessible, round.Repositories).ShouldBe((true, true, 0));
    }

    [Fact]
    [Promise("P6")]
    public async Task Registry_ThatGoesAwayAfterItsCatalogue_IsNoFailureOfAllItsTags()
    {
        var content = Registry(tags: 5);
        await using var upstream = await content.StartAsync();
        await RunAsync(upstream);
        var usual = content.Instead;
        content.Instead = (context, path) => path.Contains("/manifests/", StringComparison.Ordinal) || path.Contains("/blobs/", StringComparison.Ordinal) ? context.AnswerAsync(500) : usual(context, path);

        var round = await RunAsync(upstream);

        round.IsFinished.ShouldBeFalse();
        Value("registry_manifest_integrity_failures").ShouldBe(0);
    }

    [Fact]
    public async Task Tags_ThatAreDeleted_AreForgottenWithTheirFailures()
    {
        var content = Registry(tags: 3);
        content.Manifests.TryRemove(content.Tags["v01"], out _);
        await using var upstream = await content.StartAsync();
        await RunAsync(upstream);
        Value("registry_manifest_integrity_failures").ShouldBe(2);

        content.Tags.TryRemove("v01", out _);
        await RunAsync(upstream);

        Value("registry_manifest_integrity_failures").ShouldBe(0);
        _memory.Tags.Count.ShouldBe(4);
    }

    [Fact]
    public async Task Repository_WhoseTagsCannotBeListed_IsAFailureOfItAndNoEndOfTheRound()
    {
        var content = Registry(tags: 2);
        var usual = content.Instead;
        content.Instead = (context, path) => path == "/v2/b/tags/list" ? context.AnswerAsync(403) : usual(context, path);
        await using var upstream = await content.StartAsync();

        var round = await RunAsync(upstream);

        round.IsFinished.ShouldBeTrue();
        round.Unlisted.Keys.ShouldBe([RepositoryName.Parse("b")]);
        _gauges.Write().ShouldContain("repository=\"b\"} 1\n");
        content.Instead = usual;
        await RunAsync(upstream);
        Value("registry_manifest_integrity_failures").ShouldBe(0);
    }

    [Fact]
    public void Gauges_BeforeTheFirstRound_SayNothingThatNobodyKnows() => _gauges.Write().ShouldNotContain("registry_manifest_integrity_");

    public void Dispose() => _folder.Delete(recursive: true);

    private static FakeContent Registry(int tags)
    {
        var content = new FakeContent();
        for (var i = 0; i < tags; i++)
            content.Tags[$"v{i:D2}"] = content.AddIndex((content.AddImage(i), "linux/amd64"));
        content.Instead = (context, path) => path == "/v2/_catalog"
            ? context.AnswerAsync(200, $"{{\"repositories\":[{string.Join(',', Repositories.Select(name => $"\"{name}\""))}]}}")
            : FakeContent.AsUsual;
        return content;
    }

    private async Task<ProbeRound> RunAsync(Upstream upstream, ProbeMemory? memory = null, int? most = null)
    {
        using var client = new RegistryClient(new RegistryClientOptions { Registry = upstream.Address });
        var round = await new RegistryProbe(client, memory ?? _memory, new ProbeOptions { Time = _time, MaxTags = most }).RunAsync(CancellationToken.None);
        _gauges.Take(round);
        return round;
    }

    private double Value(string name) => double.Parse(
        _gauges.Write().Split('\n').Single(line => line.StartsWith(name + "{instance=\"host:1\"} ", StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
}
