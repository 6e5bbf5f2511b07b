using Holdfast.Oci;
using Holdfast.Server.Retention;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

/// <summary>What clients do between the moment for which a run decided and the one at which it removes.</summary>
public sealed class RetentionRaceTests : IAsyncDisposable
{
    private readonly RetentionStore _store = new();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public void Execute_ChangedSinceTheDecision_StaysAndSaysWhy()
    {
        var (moved, gone, child, deleted, pulled, again, taken, said) = (Push(1), Push(2), Push(3), Push(4), Push(5), Push(6), Push(7), Push(8));
        _store.Pass(1);
        _store.Push("app", 9, "newest");
        var at = At(RetentionStore.Rule with { KeepNewest = 1 });
        var decided = Decide(at);
        decided.Removed.Count.ShouldBe(8);
        _store.PushIndex("app", [child], "index");
        _store.Delete("app", deleted);
        _store.Tag("app", moved, "t1");
        _store.Pull("app", pulled);
        _store.Tag("app", again);
        _store.Push("app", 10, "t7");
        _store.PushReferrer("app", said, 11);
        var outcome = Execute(at, decided);
        outcome.Undecided.ShouldBeEmpty();
        outcome.Removed.Select(root => root.Digest).ShouldBe([gone.ToString(), said.ToString()], ignoreOrder: true, "what is said about one doesn't keep it");
        outcome.Left.ToDictionary(root => root.Digest, root => root.Why).ShouldBe(
            new Dictionary<string, string>
            {
                [moved.ToString()] = "changed since the plan",
                [pulled.ToString()] = "changed since the plan",
                [again.ToString()] = "changed since the plan",
                [taken.ToString()] = "changed since the plan",
                [child.ToString()] = "changed since the plan: it is part of another image by now",
                [deleted.ToString()] = "deleted since the plan",
            },
            ignoreOrder: true);
    }

    [Fact]
    public void Execute_PartThatGotATagInUseSince_Stays()
    {
        var child = _store.Push("app", 1);
        _store.PushIndex("app", [child], "old");
        _store.Push("app", 2, "keep");
        var at = At(RetentionStore.Rule with { KeepTags = ["keep"] });
        var inUse = new InUseReferences();
        inUse.Add("list", "app:part\n").ShouldBeNull();
        var decided = Decide(at, inUse);
        _store.Tag("app", child, "part");
        Execute(at, decided, inUse).Left.ShouldHaveSingleItem().Why.ShouldContain("in use: list line 1");
    }

    [Fact]
    public void Execute_ClockThatWentBackSince_KeepsWhatIsYoungByIt()
    {
        Push(1);
        _store.Pass(10);
        var at = At(RetentionStore.Rule with { KeepYoungerThan = TimeSpan.FromDays(5) });
        var decided = Decide(at);
        _store.Pass(-8);
        Execute(at, decided).Left.ShouldHaveSingleItem().Why.ShouldContain("within 5d");
    }

    public static TheoryData<string> WhatTakesANewer => ["delete", "untag", "retag", "index"];

    [Theory]
    [MemberData(nameof(WhatTakesANewer))]
    [Promise("P3")]
    public void Execute_NewerIsGoneSince_DecidesNothingAboutWhatMayBeNewestNow(string how)
    {
        var old = Push(1);
        _store.Pass(1);
        var (second, newest) = (Push(2), Push(3));
        var at = At(RetentionStore.Rule with { KeepNewest = 2 });
        var decided = Decide(at);
        decided.Removed.ShouldHaveSingleItem().Root.Digest.ShouldBe(old);
        Take(how, second, newest);
        var outcome = Execute(at, decided);
        outcome.Undecided.ShouldHaveSingleItem().Digest.ShouldBe(old.ToString());
        _store.Has("app", old).ShouldBeTrue();
        Decide(at).Removed.ShouldBeEmpty("it is one of the newest two by now");
    }

    [Theory]
    [MemberData(nameof(WhatTakesANewer))]
    public async Task Apply_NewerGoesBetweenDecisionAndRemoval_DecidesAgainAndKeepsTheNewest(string how)
    {
        var oldest = Push(1);
        _store.Pass(1);
        var old = Push(2);
        _store.Pass(1);
        var (second, newest) = (Push(3), Push(4));
        _store.BeforeRemoval = () => Take(how, second, newest);
        var result = await _store.ApplyAsync(RetentionStore.Rule with { KeepNewest = 2 });
        var repository = result.Repositories.ShouldHaveSingleItem();
        repository.Removed.ShouldHaveSingleItem().Digest.ShouldBe(oldest.ToString());
        repository.Left.ShouldHaveSingleItem().Why.ShouldContain("no. 2 of the newest 2");
        _store.Has("app", old).ShouldBeTrue();
    }

    [Fact]
    public async Task Apply_MoreThanOneBatch_GoesOnAfterWhatWasDecidedAgain()
    {
        var images = Enumerable.Range(1, 2 * RetentionRemoval.BatchSize).Select(Push).ToList();
        _store.Pass(1);
        var newest = Push(999);
        _store.BeforeRemoval = () => _store.Delete("app", newest);
        var result = await _store.ApplyAsync(RetentionStore.Rule with { KeepNewest = 1 });
        result.Removed.ShouldBe(images.Count - 1);
        _store.TagsOf("app").Count.ShouldBe(1);
    }

    [Fact]
    public async Task Apply_NewestThatNeverStandStill_LeavesTheRestToTheNextRun()
    {
        var old = Push(1);
        _store.Pass(1);
        var latest = Push(2);
        var seed = 3;
        void Move()
        {
            // Each push deletes what it replaces: one tagged image beside the old one, never the one that was decided about.
            _store.Delete("app", latest);
            latest = Push(seed++);
            _store.BeforeRemoval = Move;
        }
        _store.BeforeRemoval = Move;
        var result = await _store.ApplyAsync(RetentionStore.Rule with { KeepNewest = 1 });
        result.Repositories.ShouldHaveSingleItem().Left.ShouldHaveSingleItem().Why.ShouldContain("the next run looks again");
        _store.Has("app", old).ShouldBeTrue();
    }

    [Fact]
    public async Task Apply_AllThatStaysIsDeletedMeanwhile_KeepsTheLastImage()
    {
        Push(1);
        var kept = _store.Push("app", 2, "keep");
        _store.BeforeRemoval = () => _store.Delete("app", kept);
        var result = await _store.ApplyAsync(RetentionStore.Rule with { KeepTags = ["keep"], MaxRemovedPercent = 99 });
        result.Removed.ShouldBe(0);
        _store.TagsOf("app").ShouldBe(["t1"]);
        result.WasStopped.ShouldBeTrue("the guard stops it once it decides again");
        _store.OpenIncidents().ShouldHaveSingleItem().Subject.ShouldBe("main/app");
    }

    private static RuledRepository At(RetentionOptions rule) => new("main", RetentionStore.Key("app"), new RetentionRule(0, rule));

    private void Take(string how, Digest second, Digest newest)
    {
        switch (how)
        {
            case "delete":
                _store.Delete("app", newest);
                break;
            case "untag":
                _store.Untag("app", _store.TagsOf("app")[^1]);
                break;
            case "retag":
                _store.Tag("app", second, _store.TagsOf("app")[^1]);
                break;
            default:
                _store.PushIndex("app", [second, newest], "index");
                break;
        }
    }

    private RetentionDecision Decide(RuledRepository at, InUseReferences? inUse = null) => _store.Read(db => at.Decide(db, inUse ?? InUseReferences.None, _store.Moment));

    private RemovalOutcome Execute(RuledRepository at, RetentionDecision decided, InUseReferences? inUse = null)
    {
        var removal = new RetentionRemoval(at, inUse ?? InUseReferences.None, "run", decided, [.. decided.Removed.Select((root, i) => (root.ToPlanned(), $"op{i}"))]);
        return _store.Write(db => removal.Execute(db, _store.Moment));
    }

    private Digest Push(int seed) => _store.Push("app", seed, $"t{seed}");
}
