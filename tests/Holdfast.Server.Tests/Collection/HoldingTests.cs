using Holdfast.Oci;
using Holdfast.Server.Collection;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Collection;

/// <summary>What holds what: indexes, subjects, leases, other repositories and registries.</summary>
public sealed class HoldingTests
{
    private const string App = "app";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact, Promise("P3")]
    public async Task Run_AfterADeleteOfAnIndex_TakesItsChildrenUnlessAnotherHoldsThem()
    {
        await using var at = await CollectionFixture.StartAsync();
        var (shared, tagged, own) = (await at.PushImageAsync(App, 1), await at.PushImageAsync(App, 2, "v1"), await at.PushImageAsync(App, 3));
        var index = Samples.Index(shared, tagged, own);
        await at.PutAsync(App, index, "all");
        await at.PutAsync(App, Samples.Index(shared), "some");
        await at.DeleteAsync(App, index);
        await at.PassAsync(Day - Hour);
        (await at.IsVisibleAsync(App, own)).ShouldBeTrue();
        await at.PassAsync(Hour);
        (await at.IsVisibleAsync(App, own)).ShouldBeFalse();
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, shared)).ShouldBeTrue();
        (await at.IsVisibleAsync(App, tagged)).ShouldBeTrue();
        foreach (var seed in new[] { 1, 2 })
            (await at.HasBytesAsync(Samples.Bytes(seed + 100_000, 500))).ShouldBeTrue();
        (await at.HasBytesAsync(Samples.Bytes(100_003, 500))).ShouldBeFalse();
        (await at.HasBytesAsync(own)).ShouldBeFalse();
        (await at.HasBytesAsync(index)).ShouldBeFalse();
        await at.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Run_AfterADeleteOfANestedIndex_TakesEveryLevel()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1);
        var inner = Samples.Index(image);
        await at.PutAsync(App, inner);
        var outer = Samples.Json(IndexOfIndexes(inner));
        await at.PutAsync(App, outer, "nested");
        await at.DeleteAsync(App, outer);
        await at.PassAsync(12 * Day);
        (await at.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBe(0);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    [Fact, Promise("P3")]
    public async Task Run_AGrandchildPushedAfterTheDelete_KeepsIt()
    {
        await using var at = await CollectionFixture.StartAsync();
        var (again, old) = (await at.PushImageAsync(App, 1), await at.PushImageAsync(App, 2));
        var inner = Samples.Index(again, old);
        await at.PutAsync(App, inner);
        var outer = Samples.Json(IndexOfIndexes(inner));
        await at.PutAsync(App, outer, "nested");
        await at.DeleteAsync(App, outer);
        await at.PassAsync(Hour);
        await at.PutAsync(App, again);
        await at.PassAsync(12 * Day);
        (await at.IsVisibleAsync(App, inner)).ShouldBeFalse();
        (await at.IsVisibleAsync(App, old)).ShouldBeFalse("what was there at the time of the delete goes with it");
        (await at.IsVisibleAsync(App, again)).ShouldBeTrue("it was accepted after the delete, which therefore wasn't meant for it");
        await at.ShouldBeSoundAsync();
    }

    // The times of both don't tell which came first.
    [Theory, Promise("P3")]
    [InlineData(0)]
    [InlineData(-2)]
    public async Task Run_AGrandchildPushedAfterTheDeleteByAClockThatIsNotLater_KeepsIt(int hours)
    {
        await using var at = await CollectionFixture.StartAsync();
        var (again, old) = (await at.PushImageAsync(App, 1), await at.PushImageAsync(App, 2));
        var inner = Samples.Index(again, old);
        await at.PutAsync(App, inner);
        var outer = Samples.Json(IndexOfIndexes(inner));
        await at.PutAsync(App, outer, "nested");
        await at.DeleteAsync(App, outer);
        at.Time.Advance(TimeSpan.FromHours(hours));
        await at.PutAsync(App, again);
        await at.PassAsync(13 * Day);
        (await at.IsVisibleAsync(App, inner)).ShouldBeFalse();
        (await at.IsVisibleAsync(App, old)).ShouldBeFalse("what was there at the time of the delete goes with it");
        (await at.IsVisibleAsync(App, again)).ShouldBeTrue("it was accepted after the delete, which therefore wasn't meant for it");
        await at.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Run_ATrashedIndexPushedAgain_KeepsChildrenThatWereTrashedAfterIt()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1);
        var index = Samples.Index(image);
        await at.PutAsync(App, index, "v1");
        await at.DeleteAsync(App, index);
        await at.PassAsync(2 * Day);
        (await at.TryPutAsync(App, index, "v1")).Missing.Select(missing => missing.Digest).ShouldBe([Samples.DigestOf(image)], "the child is in the trash");
        await at.PutAsync(App, image);
        await at.PutAsync(App, index, "v1");
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue();
        (await at.IsVisibleAsync(App, index)).ShouldBeTrue();
        await at.ShouldBeSoundAsync();
    }

    [Fact, Promise("P3")]
    public async Task Run_ALayerThatOthersHave_StaysThere()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        await at.PushImageAsync("second", 1, "v1");
        await at.PushImageAsync(App, 1, "v1", registry: "other");
        await at.DeleteAsync(App, image);
        await at.PassAsync(30 * Day);
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(4);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(3);
        await at.DeleteAsync("second", image);
        await at.PassAsync(30 * Day);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(3);
        await at.ShouldBeSoundAsync();
        await at.DeleteAsync(App, image, registry: "other");
        await at.PassAsync(30 * Day);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    [Theory]
    [InlineData(SubjectState.Live, true)]
    [InlineData(SubjectState.Deleted, false)]
    [InlineData(SubjectState.NeverThere, true)]
    public async Task Run_AReferrerWhoseTagWasDeleted_StaysUnlessItsSubjectWasDeletedToo(SubjectState state, bool stays)
    {
        await using var at = await CollectionFixture.StartAsync();
        var (image, referrer) = await PushReferrerAsync(at, state != SubjectState.NeverThere, "sig");
        if (state == SubjectState.Deleted)
            await at.DeleteAsync(App, image);
        await at.DeleteTagAsync(App, "sig");
        await at.PassAsync(2 * Day);
        (await at.IsVisibleAsync(App, referrer)).ShouldBe(stays);
        await at.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Run_AReferrerOfADeletedSubject_StaysIfNobodyDeletedIt()
    {
        await using var at = await CollectionFixture.StartAsync();
        var (image, referrer) = await PushReferrerAsync(at, pushSubject: true, tag: null);
        await at.DeleteAsync(App, image);
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, referrer)).ShouldBeTrue("the subject is a soft edge");
        (await at.HasBytesAsync(image)).ShouldBeFalse();
    }

    [Fact, Promise("P3")]
    public async Task Run_ALease_HoldsAnUnusedBlobUntilItsEnd()
    {
        await using var at = await CollectionFixture.StartAsync();
        var content = Samples.Bytes(1, 100);
        var digest = await at.PushBlobAsync(App, content);
        await at.PassAsync(Day - Hour);
        (await at.WriteAsync(db => Leases.Take(db, at.Key(App), digest, at.Now))).ShouldBeTrue();
        (await at.WriteAsync(db => Leases.Take(db, at.Key(App), digest, at.Now - 60_000))).ShouldBeTrue("one that waited for its turn takes nothing back");
        at.Time.Advance(Hour - TimeSpan.FromSeconds(1));
        await at.RunAsync();
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(1);
        (await at.Collector.RunAsync(new CollectionRun { Emergency = true }, CancellationToken.None)).Changes.ShouldBe(0, "not even in an emergency");
        at.Time.Advance(TimeSpan.FromSeconds(1));
        await at.RunAsync();
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(0);
        (await at.WriteAsync(db => Leases.Take(db, at.Key(App), digest, at.Now))).ShouldBeFalse();
    }

    [Fact]
    public async Task Run_ADeletedBlobLink_IsRestorableForTheTrashAndThenGoes()
    {
        await using var at = await CollectionFixture.StartAsync();
        var digest = await at.PushBlobAsync(App, Samples.Bytes(1, 100));
        await at.WriteAsync(db => BlobLinks.Remove(db, at.Key(App), digest, new Deletion("op", DeletionCause.Client, "test"), at.Now));
        await at.PassAsync((7 * Day) - Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM links WHERE trashed_at IS NOT NULL")).ShouldBe(1);
        await at.PassAsync((2 * Day) + (2 * Hour));
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    private static async Task<(byte[] Image, byte[] Referrer)> PushReferrerAsync(CollectionFixture at, bool pushSubject, string? tag)
    {
        var image = Samples.Image(Samples.Bytes(1, 50), Samples.Bytes(100_001, 500));
        if (pushSubject)
            await at.PushImageAsync(App, 1, "v1");
        var config = Samples.Bytes(2, 30);
        await at.PushBlobAsync(App, config);
        var json = Samples.ImageJson(config);
        json["subject"] = Samples.Descriptor(MediaTypes.OciManifest, image);
        var referrer = Samples.Json(json);
        await at.PutAsync(App, referrer, tag);
        return (image, referrer);
    }

    private static System.Text.Json.Nodes.JsonObject IndexOfIndexes(byte[] child)
    {
        var json = Samples.IndexJson();
        json["manifests"] = new System.Text.Json.Nodes.JsonArray(Samples.Descriptor(MediaTypes.OciIndex, child));
        return json;
    }

    public enum SubjectState
    {
        Live,
        Deleted,
        NeverThere,
    }
}
