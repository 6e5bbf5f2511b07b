using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Server.Retention;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

/// <summary>Saved plans, what changes between plan and run, and when runs begin.</summary>
public sealed class RetentionRunTests : IAsyncDisposable
{
    private static readonly RetentionOptions KeepX = RetentionStore.Rule with { KeepTags = ["x*"] };

    private readonly RetentionStore _store = new();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Apply_SavedPlan_RemovesWhatIsAsItWasAndTheRulesStillSay()
    {
        var (go, retagged, pulled, again, deleted) = (Push(1), Push(2), Push(3), Push(4), Push(5));
        _store.Push("app", 6, "x");
        var saved = await _store.PlanAsync(KeepX);
        _store.Pass(0.1);
        _store.Push("app", 7, "t2");
        _store.Pull("app", pulled);
        _store.Tag("app", again, "t4");
        _store.Delete("app", deleted);
        var late = _store.Push("app", 8, "late");
        var result = await ApplyAsync(saved, KeepX);
        var repository = result.Repositories.ShouldHaveSingleItem();
        repository.Removed.ShouldHaveSingleItem().Digest.ShouldBe(go.ToString());
        repository.Left.Select(root => root.Digest).ShouldBe(new[] { retagged, pulled, again, deleted }.Select(digest => digest.ToString()), ignoreOrder: true);
        _store.Has("app", late).ShouldBeTrue("it was in no plan");
        _store.TagsOf("app").ShouldBe(["late", "t2", "t3", "t4", "x"]);
        result.Plan.ShouldBe(saved.Id);
    }

    [Fact]
    public async Task Apply_SavedPlanOfOtherRules_RemovesOnlyWhatTheRulesSayNow()
    {
        Push(1);
        var saved = await _store.PlanAsync(KeepX);
        var result = await ApplyAsync(saved, RetentionStore.Rule with { KeepTags = ["t*"] });
        result.Removed.ShouldBe(0);
        result.Repositories[0].Left.ShouldHaveSingleItem().Why.ShouldContain("tag t1 fits t*");
    }

    [Theory]
    [InlineData(8, "older than 7 days")]
    [InlineData(-1, "made in the future")]
    public async Task Problem_PlanOfAnotherTime_IsRefused(int days, string says)
    {
        Push(1);
        var plan = await _store.PlanAsync(KeepX);
        SavedPlan.Problem(plan, plan.Store, plan.CreatedAt.AddDays(days))!.ShouldContain(says);
        SavedPlan.Problem(plan, plan.Store, plan.CreatedAt.AddDays(6)).ShouldBeNull();
    }

    [Fact]
    public async Task Problem_PlanOfAnotherStoreOrBroken_IsRefused()
    {
        Push(1);
        var plan = await _store.PlanAsync(KeepX);
        SavedPlan.Problem(plan, "other", plan.CreatedAt)!.ShouldContain("another store");
        SavedPlan.Problem(plan with { Format = 2 }, plan.Store, plan.CreatedAt)!.ShouldContain("format 2");
        SavedPlan.Problem(plan with { Repositories = [null!] }, plan.Store, plan.CreatedAt)!.ShouldContain("not as it was made");
        var root = plan.Repositories[0].Removed[0] with { Digest = "sha256:1" };
        SavedPlan.Problem(plan with { Repositories = [plan.Repositories[0] with { Removed = [root] }] }, plan.Store, plan.CreatedAt)!.ShouldContain("no digest");
    }

    [Fact]
    public async Task Plan_AsJson_ComesBackAsItWas()
    {
        Push(1);
        _store.Push("app", 2, "x");
        var plan = await _store.PlanAsync(KeepX);
        var json = JsonSerializer.Serialize(plan, AdminJson.Answers);
        var back = JsonSerializer.Deserialize<RetentionPlan>(json, AdminJson.Requests)!;
        JsonSerializer.Serialize(back, AdminJson.Answers).ShouldBe(json);
        SavedPlan.Intersect(back, plan.Repositories[0])!.Removed.Count.ShouldBe(1);
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize<RetentionPlan>(json.Replace("\"roots\"", "\"rotos\":1,\"roots\"", StringComparison.Ordinal), AdminJson.Requests));
    }

    [Fact]
    public void Execute_ChangedSinceThePlan_StaysAndSaysWhy()
    {
        var (moved, newestGone, child, kept) = (Push(1), Push(2), Push(3), Push(4));
        var rule = new RetentionRule(0, RetentionStore.Rule with { KeepNewest = 1 });
        var at = new RuledRepository("main", RetentionStore.Key("app"), rule);
        _store.Pass(1);
        var newest = _store.Push("app", 9, "newest");
        var decision = _store.Read(db => at.Decide(db, InUseReferences.None, _store.Moment));
        decision.Removed.Count.ShouldBe(4);
        _store.Delete("app", newest);
        _store.Untag("app", "t3");
        _store.PushIndex("app", [child], "index");
        _store.Delete("app", kept);
        _store.Tag("app", moved, "t1");
        var removal = new RetentionRemoval(at, InUseReferences.None, "run", [.. decision.Removed.Select((root, i) => (root.ToPlanned(), $"op{i}"))]);
        var (removed, left) = _store.Write(db => removal.Execute(db, _store.Moment));
        removed.ShouldHaveSingleItem().Digest.ShouldBe(newestGone.ToString());
        left.ToDictionary(root => root.Digest, root => root.Why).ShouldBe(
            new Dictionary<string, string>
            {
                [moved.ToString()] = "changed since the plan",
                [child.ToString()] = "changed since the plan: it is part of another image by now",
                [kept.ToString()] = "deleted since the plan",
            },
            ignoreOrder: true);
    }

    [Fact]
    public void Execute_NewestDeletedMeanwhile_KeepsWhatIsNewestNow()
    {
        var old = Push(1);
        _store.Pass(1);
        var newest = _store.Push("app", 2, "newest");
        var at = new RuledRepository("main", RetentionStore.Key("app"), new RetentionRule(0, RetentionStore.Rule with { KeepNewest = 1 }));
        var planned = _store.Read(db => at.Decide(db, InUseReferences.None, _store.Moment)).Removed.ShouldHaveSingleItem().ToPlanned();
        _store.Delete("app", newest);
        var (removed, left) = _store.Write(db => new RetentionRemoval(at, InUseReferences.None, "run", [(planned, "op")]).Execute(db, _store.Moment));
        removed.ShouldBeEmpty();
        left.ShouldHaveSingleItem().Why.ShouldContain("no. 1 of the newest 1");
        _store.Has("app", old).ShouldBeTrue();
    }

    [Fact]
    [Promise("P7")]
    public async Task Apply_Removal_IsInTheTrashWithItsTagsUnderTheRun()
    {
        _store.Push("app", 1, "a", "b");
        _store.Push("app", 2, "x");
        var result = await _store.ApplyAsync(KeepX);
        _store.Read(db => db.Prepare("SELECT COUNT(*) FROM trash WHERE cause = 2 AND actor = 'retention' AND run = @run").Set("@run", result.Run).QueryLong()).ShouldBe(3);
        _store.Read(db => db.Prepare("SELECT COUNT(DISTINCT operation) FROM trash").QueryLong()).ShouldBe(1);
        result.Repositories[0].Removed.ShouldHaveSingleItem().Tags.Select(tag => tag.Name).ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task Run_WhileOneRuns_IsRefused()
    {
        Push(1);
        var runs = _store.Runs(KeepX);
        RetentionResult? second = new("", "", default, default, [], [], []);
        await runs.RunAsync(PlanScope.All, null, async _ => second = await runs.RunAsync(PlanScope.All, null, null, CancellationToken.None), CancellationToken.None);
        second.ShouldBeNull();
        (await runs.RunAsync(PlanScope.All, null, null, CancellationToken.None)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Tick_Schedule_RunsOnceWhenItIsTimeAndNeverTwice()
    {
        var schedules = Schedules("0 * * * *");
        await schedules.TickAsync(default);
        Push(1);
        _store.Time.Advance(TimeSpan.FromMinutes(59));
        await schedules.TickAsync(default);
        _store.TagsOf("app").ShouldBe(["t1"], "it is not yet time");
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        await schedules.TickAsync(default);
        _store.TagsOf("app").ShouldBeEmpty();

        _store.Time.Advance(TimeSpan.FromMinutes(1));
        Push(2);
        _store.Time.Advance(TimeSpan.FromHours(-24));
        await schedules.TickAsync(default);
        for (var hour = 0; hour < 24; hour++)
        {
            _store.Time.Advance(TimeSpan.FromHours(1));
            await schedules.TickAsync(default);
        }
        _store.TagsOf("app").ShouldBe(["t2"], "a clock that went back shows every hour again");
        _store.Time.Advance(TimeSpan.FromHours(1));
        await schedules.TickAsync(default);
        _store.TagsOf("app").ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0.9, true)]
    [InlineData(3.5, false)]
    public async Task Tick_AfterTheServerWasDown_RunsOnceIfItWasDueWithinADay(double days, bool runs)
    {
        var once = TimeZoneInfo.ConvertTime(_store.Time.GetUtcNow().AddHours(1), _store.Time.LocalTimeZone);
        var daily = Schedules($"{once.Minute} {once.Hour} {once.Day} {once.Month} *");
        await daily.TickAsync(default);
        Push(1);
        _store.Pass(days);
        await daily.TickAsync(default);
        _store.TagsOf("app").Count.ShouldBe(runs ? 0 : 1);
    }

    [Fact]
    public async Task Tick_LastRunByAClockYearsAhead_DoesNotStopTheScheduleForYears()
    {
        var schedules = Schedules("0 * * * *");
        _store.Pass(3000);
        await schedules.TickAsync(default);
        _store.Pass(-3000);
        await schedules.TickAsync(default);
        Push(1);
        _store.Time.Advance(TimeSpan.FromHours(1));
        await schedules.TickAsync(default);
        _store.TagsOf("app").ShouldBeEmpty();
    }

    [Fact]
    public async Task Flush_ManyPullsOfOneManifest_WritesOnceAnHour()
    {
        var digest = Push(1);
        var notes = new PullNotes(_store.Metadata, _store.Time, NullLogger<PullNotes>.Instance);
        var first = _store.NowMs;
        notes.Note(RetentionStore.Key("app"), digest);
        (await PulledAtAsync(notes)).ShouldBe(first);
        _store.Time.Advance(TimeSpan.FromMinutes(30));
        notes.Note(RetentionStore.Key("app"), digest);
        (await PulledAtAsync(notes)).ShouldBe(first);
        _store.Time.Advance(TimeSpan.FromMinutes(31));
        await notes.FlushAsync(default);
        notes.Note(RetentionStore.Key("app"), digest);
        (await PulledAtAsync(notes)).ShouldBe(_store.NowMs);
    }

    [Fact]
    public void Note_ManifestNotedBefore_AllocatesNothing()
    {
        var digest = Push(1);
        var notes = new PullNotes(_store.Metadata, _store.Time, NullLogger<PullNotes>.Instance);
        var key = RetentionStore.Key("app");
        for (var i = 0; i < 100; i++)
            notes.Note(key, digest);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
            notes.Note(key, digest);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1000);
    }

    private async Task<long> PulledAtAsync(PullNotes notes)
    {
        await notes.FlushAsync(default);
        return _store.Read(db => RepositoryRoots.List(db, RetentionStore.Key("app"))).ShouldHaveSingleItem().PulledAtMs;
    }

    private RetentionSchedules Schedules(string schedule) => new(_store.Runs(KeepX with { Schedule = schedule }), NullLogger<RetentionSchedules>.Instance);

    private Oci.Digest Push(int seed) => _store.Push("app", seed, $"t{seed}");

    private async Task<RetentionResult> ApplyAsync(RetentionPlan saved, RetentionOptions rule) =>
        (await _store.Runs(rule).RunAsync(PlanScope.All, saved, null, CancellationToken.None))!;
}
