using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Tests.Journal;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Acceptance;

public sealed class ManifestImportTests : IAsyncLifetime
{
    private static readonly ImportTerms Terms = new(ReplacesTags: false);

    private readonly ImportStore _store = new();

    public async ValueTask InitializeAsync() => await _store.OpenAsync();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact, Promise("P2")]
    public async Task Accept_ChildrenThenIndex_StoresAllInOneBatchWithTheirPushTimes()
    {
        var (one, two) = (await _store.ImageAsync("one") with { PushedMs = 1_600_000_000_000 }, await _store.ImageAsync("two"));
        var index = _store.Offer(ManifestTexts.Index([ImportStore.Of(one), ImportStore.Of(two)]), new TagOffer(Tag.Parse("v1"), 1_600_000_005_000));
        var receipts = await _store.AcceptAsync(Terms, one, two, index);
        receipts.ShouldAllBe(receipt => receipt.Outcome == ManifestReceiptOutcome.Stored);
        receipts[2].Tags.ShouldHaveSingleItem().Outcome.ShouldBe(TagReceiptOutcome.Put);
        (await _store.FindTagAsync("v1")).ShouldBe(index.Digest);
        var roots = await _store.Store.QueryAsync(db => RepositoryRoots.List(db, _store.App));
        roots.ShouldHaveSingleItem().Tags.ShouldHaveSingleItem().PushedAtMs.ShouldBe(1_600_000_005_000);
        (await PushedAtAsync(one.Digest)).ShouldBe(1_600_000_000_000);
    }

    [Fact, Promise("P2")]
    public async Task Accept_NotWhole_NamesAllThatIsMissingAndStoresNothingOfIt()
    {
        var whole = await _store.ImageAsync("whole");
        var config = ImportStore.Of(ImportStore.Bytes("a config that never came"));
        var layer = ImportStore.Of(ImportStore.Bytes("a layer that never came"));
        var broken = _store.Offer(ManifestTexts.Image(config, [layer]), new TagOffer(Tag.Parse("broken")));
        var above = _store.Offer(ManifestTexts.Index([ImportStore.Of(whole), ImportStore.Of(broken)]), new TagOffer(Tag.Parse("above")));
        var receipts = await _store.AcceptAsync(Terms, whole, broken, above);
        Receipt(receipts, whole).Outcome.ShouldBe(ManifestReceiptOutcome.Stored);
        Receipt(receipts, broken).Missing.ShouldBe([config.Digest, layer.Digest]);
        Receipt(receipts, above).Missing.ShouldBe([broken.Digest]);
        (await _store.FindTagAsync("broken")).ShouldBeNull();
        (await _store.FindTagAsync("above")).ShouldBeNull();
        File.Exists(_store.Store.BlobFile(broken.Digest)).ShouldBeFalse();
        _store.LeftUploads().ShouldBe(0);
    }

    [Fact, Promise("P2")]
    public async Task Accept_BytesOfALayerAreKnownToBeWrong_IsNotWhole()
    {
        var image = await _store.ImageAsync("image");
        var layer = ImportStore.Of(ImportStore.Bytes("layer of image"));
        await _store.Store.Database.WriteAsync(
            layer.Digest, static (db, digest) => BlobChecks.NoteWrong(db, BlobChecks.Find(db, digest)!.Value, stamp: 1), ImportStore.None);
        (await _store.AcceptAsync(Terms, image)).ShouldHaveSingleItem().Missing.ShouldBe([layer.Digest]);
    }

    [Fact, Promise("P2")]
    public async Task Accept_BytesOfALayerAreGoneFromTheDisk_IsNotWhole()
    {
        var image = await _store.ImageAsync("image");
        var layer = ImportStore.Of(ImportStore.Bytes("layer of image"));
        File.Delete(_store.Store.BlobFile(layer.Digest));
        (await _store.AcceptAsync(Terms, image)).ShouldHaveSingleItem().Missing.ShouldBe([layer.Digest]);
    }

    [Fact]
    public async Task Accept_WrongBytesOrNoManifest_IsRefused()
    {
        var image = await _store.ImageAsync("image");
        var wrong = image with { Payload = ImportStore.Bytes("{}") };
        var none = _store.Offer("no manifest at all");
        var receipts = await _store.AcceptAsync(Terms, wrong, none);
        receipts.ShouldAllBe(receipt => receipt.Outcome == ManifestReceiptOutcome.Refused);
        File.Exists(_store.Store.BlobFile(none.Digest)).ShouldBeFalse();
    }

    [Fact]
    public async Task Accept_OnlyTagsOfOneThatIsThere_PutsThem()
    {
        var image = await _store.ImageAsync("image") with { PushedMs = 1_600_000_000_000 };
        await _store.AcceptAsync(Terms, image);
        var again = new ManifestOffer(_store.App, image.Digest) { Tags = [new TagOffer(Tag.Parse("late"))] };
        (await _store.AcceptAsync(Terms, again)).ShouldHaveSingleItem().Outcome.ShouldBe(ManifestReceiptOutcome.Stored);
        (await _store.FindTagAsync("late")).ShouldBe(image.Digest);
        (await PushedAtAsync(image.Digest)).ShouldBe(1_600_000_000_000);
        var unknown = new ManifestOffer(_store.App, Digest.Compute(DigestAlgorithm.Sha256, "unknown"u8));
        (await _store.AcceptAsync(Terms, unknown)).ShouldHaveSingleItem().Outcome.ShouldBe(ManifestReceiptOutcome.NeedsBytes);
    }

    [Fact]
    public async Task Accept_TagThatAnImportPut_FollowsItsSource()
    {
        var (old, @new) = (await _store.ImageAsync("old"), await _store.ImageAsync("new"));
        await _store.AcceptAsync(Terms, WithTag(old, 1000));
        (await _store.AcceptAsync(Terms, WithTag(@new, 2000)))[0].Tags[0].Outcome.ShouldBe(TagReceiptOutcome.Put);
        (await _store.FindTagAsync("latest")).ShouldBe(@new.Digest);
        (await _store.AcceptAsync(Terms, WithTag(@new, 2000)))[0].Tags[0].Outcome.ShouldBe(TagReceiptOutcome.Same);
        // Another source, whose push was before.
        (await _store.AcceptAsync(Terms, WithTag(old, 1000)))[0].Tags[0].ShouldBe(new TagReceipt(Tag.Parse("latest"), TagReceiptOutcome.Older, @new.Digest));
        (await _store.FindTagAsync("latest")).ShouldBe(@new.Digest);
    }

    [Fact]
    public async Task Accept_TagThatAClientHasPushed_StaysUnlessReplacingIsAsked()
    {
        var pushed = await _store.Store.PushImageAsync("pushed", "latest");
        var image = await _store.ImageAsync("image");
        (await _store.AcceptAsync(Terms, WithTag(image, null)))[0].Tags[0].Outcome.ShouldBe(TagReceiptOutcome.PushedHere);
        (await _store.FindTagAsync("latest")).ShouldBe(pushed.Digest);
        var immutable = new ImportTerms(ReplacesTags: true, _ => _ => true);
        (await _store.AcceptAsync(immutable, WithTag(image, null)))[0].Tags[0].Outcome.ShouldBe(TagReceiptOutcome.Immutable);
        await _store.AcceptAsync(new ImportTerms(ReplacesTags: true), WithTag(image, null));
        (await _store.FindTagAsync("latest")).ShouldBe(image.Digest);
    }

    [Fact]
    public async Task Accept_PushTimeThatLiesAhead_IsNow()
    {
        var image = await _store.ImageAsync("image") with { PushedMs = 9_000_000_000_000 };
        await _store.AcceptAsync(Terms, image with { Tags = [new TagOffer(Tag.Parse("v1"), 9_000_000_000_000)] });
        (await PushedAtAsync(image.Digest)).ShouldBeLessThanOrEqualTo(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var roots = await _store.Store.QueryAsync(db => RepositoryRoots.List(db, _store.App));
        roots[0].Tags[0].PushedAtMs.ShouldBeLessThanOrEqualTo(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    }

    [Fact, Promise("P7")]
    public async Task Accept_AChildOfADeletedIndexWithAnOldPushTime_IsNotTakenAlongByThatDelete()
    {
        var child = await _store.ImageAsync("child") with { PushedMs = 1000 };
        await _store.AcceptAsync(Terms, child);
        var index = _store.Offer(ManifestTexts.Index([ImportStore.Of(child)]));
        await _store.AcceptAsync(Terms, index);
        var deletedAt = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await _store.Store.ChangeAsync(db => Manifests.Delete(db, _store.App, index.Digest, JournaledStore.Deletion(deletedAt), deletedAt));
        await _store.AcceptAsync(Terms, child);
        // What the delete takes is told from what came after it by this date.
        (await PushedAtAsync(child.Digest)).ShouldBeGreaterThanOrEqualTo(deletedAt);
    }

    [Fact, Promise("P1")]
    public async Task Accept_ThenRebuild_GivesTheSameDatabase()
    {
        var (one, two) = (await _store.ImageAsync("one") with { PushedMs = 1_600_000_000_000 }, await _store.ImageAsync("two"));
        var index = _store.Offer(ManifestTexts.Index([ImportStore.Of(one), ImportStore.Of(two)]), new TagOffer(Tag.Parse("v1"), 1_600_000_005_000), new TagOffer(Tag.Parse("v2")));
        await _store.AcceptAsync(Terms, one, two, index);
        await _store.Store.PushImageAsync("pushed", "mine");
        var before = await _store.Store.DumpAsync();
        await _store.Store.CloseAsync();
        foreach (var file in Directory.GetFiles(_store.Store.Path, "holdfast.db*"))
            File.Delete(file);
        await _store.OpenAsync();
        (await _store.Store.DumpAsync()).ShouldBe(before);
    }

    private static ManifestOffer WithTag(ManifestOffer offer, long? pushedMs) => offer with { Tags = [new TagOffer(Tag.Parse("latest"), pushedMs)] };

    private static ManifestReceipt Receipt(IEnumerable<ManifestReceipt> receipts, ManifestOffer offer) => receipts.Single(receipt => receipt.Digest == offer.Digest);

    private Task<long> PushedAtAsync(Digest digest) => _store.Store.QueryAsync(db => db
        .Prepare("SELECT m.pushed_at FROM manifests m JOIN blobs b ON b.id = m.blob_id WHERE b.digest = @digest").Set("@digest", digest).QueryLong()!.Value);
}
