using Holdfast.Oci;
using Holdfast.Server.Retention;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

/// <summary>Each reason for which something stays, and what roots are.</summary>
public sealed class RetentionReasonTests : IAsyncDisposable
{
    private readonly RetentionStore _store = new();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Plan_KeepNewest_CountsByPushTimeAndThenByName()
    {
        foreach (var tag in (string[])["old", "b", "a", "c"])
        {
            _store.Push("app", tag[0], tag);
            if (tag == "old")
                _store.Pass(1);
        }
        var plan = await PlanAsync(RetentionStore.Rule with { KeepNewest = 2 });
        Names(plan.Removed).ShouldBe(["old", "c"]);
        Names(plan.Kept).ShouldBe(["a", "b"]);
        plan.Kept[0].Reasons.ShouldHaveSingleItem().ShouldBe(new PlanReason(PlanReasonKind.Newest, "no. 1 of the newest 2"));
        plan.Removed[0].Reasons.ShouldHaveSingleItem().Kind.ShouldBe(PlanReasonKind.NotKept);
    }

    [Fact, Promise("P7")]
    public async Task Plan_WhenTheClockJumpsYearsAhead_NothingIsOlderThanBefore()
    {
        _store.Push("app", 1, "young");
        var untagged = _store.Push("app", 2);
        var pulled = _store.Push("app", 3, "pulled");
        _store.Pull("app", pulled);
        _store.StoreTime.Look();
        _store.Time.Jump(TimeSpan.FromDays(3650));
        var rule = RetentionStore.Rule with { KeepPulledWithin = TimeSpan.FromDays(30), KeepYoungerThan = TimeSpan.FromDays(10), UntaggedAfter = TimeSpan.FromDays(3) };
        (await PlanAsync(rule)).Removed.ShouldBeEmpty();
        _store.Pass(4);
        (await PlanAsync(rule)).Removed.ShouldHaveSingleItem().Digest.ShouldBe(untagged.ToString());
        _store.Pass(7);
        Names((await PlanAsync(rule)).Kept).ShouldBe(["pulled"]);
    }

    [Fact]
    public async Task Plan_RetaggedLatest_IsAsYoungAsItsRetag_NotAsTheFolderOnDisk()
    {
        // registry:2's cleanup script went by the folder's time, which a retag doesn't change: latest aged out while it was in use.
        _store.Push("app", 1, "latest");
        for (var day = 1; day <= 5; day++)
        {
            _store.Pass(1);
            _store.Push("app", day + 1, $"v{day}");
        }
        _store.Pass(1);
        _store.Push("app", 50, "latest");
        var plan = await PlanAsync(RetentionStore.Rule with { KeepNewest = 2 });
        Names(plan.Kept).ShouldBe(["latest", "v5", ""], "what latest pointed at before has no tag any more, and no rule takes it");
        await _store.ApplyAsync(RetentionStore.Rule with { KeepNewest = 2 });
        _store.TagsOf("app").ShouldBe(["latest", "v5"]);
    }

    [Fact]
    public async Task Plan_SameManifestPushedAgain_IsYoungAgain()
    {
        var old = _store.Push("app", 1, "stable");
        _store.Pass(10);
        _store.Push("app", 2, "new");
        _store.Pass(1);
        _store.Tag("app", old, "stable");
        Names((await PlanAsync(RetentionStore.Rule with { KeepNewest = 1 })).Kept).ShouldBe(["stable"]);
    }

    [Fact]
    public async Task Plan_KeepTags_NamesTagAndPattern_AndKeepsTheOtherTagsToo()
    {
        _store.Push("app", 1, "v1.0", "build-17");
        _store.Push("app", 2, "build-18");
        var plan = await PlanAsync(RetentionStore.Rule with { KeepTags = ["x*", "v*"] });
        Names(plan.Kept).ShouldBe(["build-17+v1.0"]);
        plan.Kept[0].Reasons.ShouldHaveSingleItem().Text.ShouldBe("tag v1.0 fits v*");
        await _store.ApplyAsync(RetentionStore.Rule with { KeepTags = ["x*", "v*"] });
        _store.TagsOf("app").ShouldBe(["build-17", "v1.0"]);
    }

    [Fact]
    public async Task Plan_KeepPulledWithin_SeesAPullOfAPlatformDeepBelow()
    {
        var platform = _store.Push("app", 1);
        var nested = _store.PushIndex("app", [platform]);
        _store.PushIndex("app", [nested], "pulled");
        _store.Push("app", 2, "not-pulled");
        _store.Pass(100);
        _store.Pull("app", platform);
        _store.Pass(29);
        var rule = RetentionStore.Rule with { KeepPulledWithin = TimeSpan.FromDays(30) };
        var plan = await PlanAsync(rule);
        Names(plan.Kept).ShouldBe(["pulled"]);
        plan.Kept[0].Reasons.ShouldHaveSingleItem().Kind.ShouldBe(PlanReasonKind.Pulled);
        Names(plan.Removed).ShouldBe(["not-pulled"]);
        plan.Removed[0].Reasons[0].Text.ShouldBe("never pulled");
        _store.Pass(1.03);
        Names((await PlanAsync(rule)).Kept).ShouldBe(["pulled"], "what is stored may be an hour older than the pull");
        _store.Pass(0.03);
        (await PlanAsync(rule)).Kept.ShouldBeEmpty();
    }

    [Fact]
    public async Task Plan_KeepYoungerThan_GoesByTheLastPush()
    {
        _store.Push("app", 1, "old");
        _store.Pass(2);
        _store.Push("app", 2, "young");
        _store.Pass(0.9);
        var plan = await PlanAsync(RetentionStore.Rule with { KeepYoungerThan = TimeSpan.FromDays(1) });
        Names(plan.Kept).ShouldBe(["young"]);
        plan.Kept[0].Reasons.ShouldHaveSingleItem().Kind.ShouldBe(PlanReasonKind.Young);
    }

    [Fact]
    public async Task Plan_Untagged_GoesOnlyAfterItsTimeWithoutATag()
    {
        var never = _store.Push("app", 1);
        _store.Push("app", 2, "tag");
        _store.Pass(5);
        var moved = _store.Push("app", 3, "tag");
        var rule = RetentionStore.Rule with { UntaggedAfter = TimeSpan.FromDays(7) };
        (await PlanAsync(rule)).Removed.ShouldBeEmpty();
        _store.Pass(3);
        var plan = await PlanAsync(rule);
        plan.Removed.ShouldHaveSingleItem().Digest.ShouldBe(never.ToString());
        plan.Kept.Select(root => root.Reasons.ShouldHaveSingleItem().Kind).ShouldBe([PlanReasonKind.TaggedStays, PlanReasonKind.UntaggedYoung], ignoreOrder: true);
        (await PlanAsync(RetentionStore.Rule with { KeepNewest = 1 })).Kept.Count(root => root.Reasons[0].Kind == PlanReasonKind.UntaggedStays).ShouldBe(2);
        await _store.ApplyAsync(rule);
        _store.Has("app", never).ShouldBeFalse();
        _store.Has("app", moved).ShouldBeTrue();
    }

    [Fact]
    public async Task Apply_IndexWithChildrenAndAttestation_CountsOnceAndStaysWhole()
    {
        Digest[] children = [_store.Push("app", 1, "amd64"), _store.Push("app", 2)];
        var index = _store.PushIndex("app", children, "v1");
        _store.Pass(1);
        _store.Push("app", 3, "v2");
        var rule = RetentionStore.Rule with { KeepNewest = 2, UntaggedAfter = TimeSpan.FromHours(1) };
        (await PlanAsync(rule)).Roots.ShouldBe(2);
        (await _store.ApplyAsync(rule)).Removed.ShouldBe(0);
        _store.Pass(1);
        _store.Push("app", 4, "v3");
        var result = await _store.ApplyAsync(rule);
        result.Removed.ShouldBe(1);
        _store.Has("app", index).ShouldBeFalse();
        _store.TagsOf("app").ShouldBe(["amd64", "v2", "v3"], "a tag on a part is an image of its own from now on");
        (await PlanAsync(rule)).Removed.Select(root => root.Digest).ShouldNotContain(children[1].ToString(), "the collection sees to the parts");
    }

    [Fact]
    public async Task Apply_SharedChildAndSharedDigest_StayForTheOther()
    {
        var shared = _store.Push("app", 1);
        _store.PushIndex("app", [shared], "old");
        _store.Pass(1);
        _store.PushIndex("app", [shared, _store.Push("app", 2)], "new");
        var two = _store.Push("app", 3, "one", "other");
        (await _store.ApplyAsync(RetentionStore.Rule with { KeepNewest = 2 })).Removed.ShouldBe(1);
        _store.Has("app", shared).ShouldBeTrue();
        _store.Has("app", two).ShouldBeTrue();
        _store.TagsOf("app").ShouldBe(["new", "one", "other"]);
    }

    [Fact]
    public async Task Apply_Referrers_StayWithTheirSubjectAndAreUntaggedRootsAfterIt()
    {
        var old = _store.Push("app", 1, "v1");
        var signature = _store.PushReferrer("app", old, 10);
        _store.Pass(60);
        var kept = _store.Push("app", 2, "v2");
        var signatureOfKept = _store.PushReferrer("app", kept, 11);
        var rule = RetentionStore.Rule with { KeepNewest = 1, UntaggedAfter = TimeSpan.FromDays(7) };
        (await PlanAsync(rule)).Roots.ShouldBe(2);
        await _store.ApplyAsync(rule);
        _store.Has("app", old).ShouldBeFalse();
        _store.Has("app", signature).ShouldBeTrue("its subject can still be restored");
        (await PlanAsync(rule)).Removed.ShouldBeEmpty();
        _store.Pass(8);
        var result = await _store.ApplyAsync(rule);
        result.Repositories[0].Removed.ShouldHaveSingleItem().Digest.ShouldBe(signature.ToString());
        _store.Has("app", signatureOfKept).ShouldBeTrue();
    }

    [Fact]
    public async Task Plan_RuleOrder_TheFirstThatFitsHolds()
    {
        _store.Push("team/app", 1, "a");
        _store.Push("other", 2, "a");
        _store.Push("none", 3, "a");
        var plan = await _store.PlanAsync(
            RetentionStore.Rule with { Repositories = ["team/**"], KeepTags = ["*"] },
            RetentionStore.Rule with { Repositories = ["team/**", "other"], KeepTags = ["x"] },
            RetentionStore.Rule with { Repositories = ["nothing-here"], KeepTags = ["x"] });
        plan.Repositories.Select(repository => (repository.Repository, repository.Rule, repository.Removed.Count))
            .ShouldBe([("other", "retention[1]", 1), ("team/app", "retention[0]", 0)]);
        plan.Warnings.ShouldHaveSingleItem().ShouldBe("retention[2] (nothing-here) fits no repository");
    }

    [Fact]
    public async Task Apply_EmptyRepository_DoesNothing()
    {
        var only = _store.Push("app", 1, "a");
        _store.Delete("app", only);
        var result = await _store.ApplyAsync(RetentionStore.Rule with { KeepNewest = 1 });
        result.Removed.ShouldBe(0);
        result.Warnings.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Plan_FreedBytes_LeavesOutWhatOthersNeed()
    {
        var shared = _store.Push("app", 1);
        var old = _store.PushIndex("app", [shared, _store.Push("app", 2)], "old");
        _store.Pass(1);
        _store.PushIndex("app", [shared], "new");
        var plan = await PlanAsync(RetentionStore.Rule with { KeepNewest = 1 });
        var manifests = _store.Read(db => Storage.Metadata.Manifests.ReadPayload(db, old))!.Length
            + _store.Read(db => db.Prepare("SELECT MAX(b.size) FROM manifests m JOIN blobs b ON b.id = m.blob_id WHERE m.id = 2").QueryLong());
        plan.FreedBytes.ShouldBe(manifests!.Value + 550);
    }

    private async Task<RepositoryPlan> PlanAsync(RetentionOptions rule) => (await _store.PlanAsync(rule)).Repositories.ShouldHaveSingleItem();

    private static IEnumerable<string> Names(IEnumerable<PlannedRoot> roots) => roots.Select(root => string.Join('+', root.Tags.Select(tag => tag.Name)));
}
