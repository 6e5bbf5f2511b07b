using Holdfast.Oci;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Collection;

/// <summary>What goes, when, and what stays.</summary>
public sealed class CollectorTests
{
    private const string App = "app";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    // A deleted manifest's bytes: the trash, then a grace for its links, then one for their blobs.
    private static readonly TimeSpan Freed = TimeSpan.FromDays(7 + 1 + 1) + (3 * Hour);

    [Fact, Promise("P7")]
    public async Task Run_AfterADelete_FreesTheBytesOnlyAfterTrashAndGrace()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "v1");
        (await at.DeleteAsync(App, image)).Outcome.ShouldBe(DeleteOutcome.Deleted);
        (await at.IsVisibleAsync(App, image)).ShouldBeFalse();

        await at.PassAsync((7 * Day) - Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(2, "the tag and the manifest can be restored until the last hour");
        await at.PassAsync(Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(0);
        (await at.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBe(0);
        (await at.HasBytesAsync(Samples.Bytes(1, 50))).ShouldBeTrue();
        await at.ShouldBeSoundAsync();

        await at.PassAsync(Freed - (7 * Day));
        foreach (var bytes in new[] { image, Samples.Bytes(1, 50), Samples.Bytes(100_001, 500) })
            (await at.HasBytesAsync(bytes)).ShouldBeFalse();
        foreach (var table in new[] { "blobs", "links", "manifest_payloads", "manifest_blobs", "leases", "blob_reviews", "link_reviews", "manifest_reviews" })
            (await at.CountAsync("SELECT COUNT(*) FROM " + table)).ShouldBe(0, table);
    }

    [Fact]
    public async Task Run_AnUntouchedImage_StaysForEver()
    {
        await using var at = await CollectionFixture.StartAsync();
        var tagged = await at.PushImageAsync(App, 1, "v1");
        var untagged = await at.PushImageAsync(App, 2);
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, tagged)).ShouldBeTrue();
        (await at.IsVisibleAsync(App, untagged)).ShouldBeTrue("one that was never tagged stays");
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(6);
        (await at.CountAsync("SELECT COUNT(*) FROM leases")).ShouldBe(0, "a lease that is over is no longer needed");
        await at.ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Run_AnUnusedUpload_GoesAfterTheGrace()
    {
        await using var at = await CollectionFixture.StartAsync();
        var content = Samples.Bytes(1, 100);
        await at.PushBlobAsync(App, content);
        await at.PassAsync(Day - Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(1);
        await at.PassAsync(Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM links")).ShouldBe(0);
        (await at.HasBytesAsync(content)).ShouldBeTrue();
        await at.PassAsync(Day);
        (await at.HasBytesAsync(content)).ShouldBeFalse();
    }

    [Fact]
    public async Task Run_AMovedTag_KeepsTheOldDigest()
    {
        await using var at = await CollectionFixture.StartAsync();
        var old = await at.PushImageAsync(App, 1, "latest");
        await at.PushImageAsync(App, 2, "latest");
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, old)).ShouldBeTrue("somebody may have deployed it by its digest");
    }

    [Fact]
    public async Task Run_ADeletedTag_TakesItsManifestUnlessATagIsLeft()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "a");
        await at.PutAsync(App, image, "b");
        await at.DeleteTagAsync(App, "a");
        await at.PassAsync(2 * Day);
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue();
        await at.DeleteTagAsync(App, "b");
        await at.PassAsync(Day - Hour);
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue("the grace");
        await at.PassAsync(Hour);
        (await at.IsVisibleAsync(App, image)).ShouldBeFalse();
        (await at.CountAsync("SELECT COUNT(*) FROM trash WHERE kind = 2 AND cause = 3")).ShouldBe(1);
        await at.ShouldBeSoundAsync();
        await at.PassAsync((6 * Day) + Hour);
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(1, "tag b is purged, its manifest went to the trash a day later");
        await at.PassAsync(Freed);
        (await at.CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    [Fact]
    public async Task Run_ATagDeletedAndTheLastOneMoved_KeepsTheManifest()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "a");
        await at.PutAsync(App, image, "b");
        await at.DeleteTagAsync(App, "a");
        await at.PushImageAsync(App, 2, "b");
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue("a push took its last tag, no delete");
    }

    [Fact]
    public async Task Run_AManifestPutAgainAfterItsTagWasDeleted_Stays()
    {
        await using var at = await CollectionFixture.StartAsync();
        var image = await at.PushImageAsync(App, 1, "a");
        await at.DeleteTagAsync(App, "a");
        await at.PutAsync(App, image);
        await at.PassAsync(30 * Day);
        (await at.IsVisibleAsync(App, image)).ShouldBeTrue();
        (await at.CountAsync("SELECT COUNT(*) FROM trash")).ShouldBe(0);
    }
}
