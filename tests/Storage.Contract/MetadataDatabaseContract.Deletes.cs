using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    [Fact, Promise("P3")]
    public async Task RawDelete_OfAnythingHeld_IsRefusedByTheDatabase()
    {
        var child = await PutImageAsync("child");
        await PutAsync(Putting(App, "index", Index(AsChild(child)), "latest"));
        var held = $"(SELECT m.id FROM manifests m JOIN manifest_children c ON c.child_id = m.id)";

        await ShouldRefuseAsync($"DELETE FROM manifests WHERE id IN {held}");
        await ShouldRefuseAsync("DELETE FROM manifests WHERE id IN (SELECT manifest_id FROM tags)");
        await ShouldRefuseAsync("DELETE FROM links WHERE blob_id IN (SELECT blob_id FROM manifest_blobs WHERE kind = 1)");
        await ShouldRefuseAsync("DELETE FROM links WHERE blob_id IN (SELECT blob_id FROM manifest_blobs WHERE kind = 2)");
        await ShouldRefuseAsync("DELETE FROM blobs WHERE id IN (SELECT blob_id FROM links)");
        await ShouldRefuseAsync("DELETE FROM blobs WHERE id IN (SELECT blob_id FROM manifests)");
        await ShouldRefuseAsync("DELETE FROM repositories");
        await ShouldRefuseAsync("DELETE FROM registries");

        (await CountAsync("manifests")).ShouldBe(2);
        (await CountAsync("links")).ShouldBe(2);
        (await CountAsync("tags")).ShouldBe(1);
    }

    [Fact, Promise("P3")]
    public async Task RawInsert_OfAnEdgeAcrossRepositories_IsRefusedByTheDatabase()
    {
        var foreign = await PutImageAsync("foreign", Other);
        var index = Putting(App, "index", Index(), "latest");
        await PutAsync(index);
        var ids = await QueryAsync(session =>
        {
            using var rows = session.Prepare("SELECT id, repository_id FROM manifests ORDER BY id").Query();
            rows.Read();
            var (foreignId, _) = (rows.Long(0), rows.Long(1));
            rows.Read();
            return (Foreign: foreignId, Index: rows.Long(0), Repository: rows.Long(1));
        });
        foreign.Digest.ShouldNotBe(index.Digest);
        await ShouldRefuseAsync($"INSERT INTO manifest_children (manifest_id, repository_id, child_id) VALUES ({ids.Index}, {ids.Repository}, {ids.Foreign})");
        await ShouldRefuseAsync($"UPDATE tags SET manifest_id = {ids.Foreign}");
    }

    [Fact, Promise("P3")]
    public async Task Delete_Child_IsHeldByItsIndexesUntilTheyGo()
    {
        var child = await PutImageAsync("child");
        var index = Putting(App, "index", Index(AsChild(child)), "latest");
        await PutAsync(index);

        var held = await DeleteAsync(child);
        held.Outcome.ShouldBe(DeleteOutcome.Held);
        held.Holders.ShouldBe([index.Digest]);
        held.HolderCount.ShouldBe(1);

        (await DeleteAsync(index)).Outcome.ShouldBe(DeleteOutcome.Deleted);
        (await CountAsync("tags")).ShouldBe(0);
        (await DeleteAsync(child)).Outcome.ShouldBe(DeleteOutcome.Deleted);
        (await DeleteAsync(child)).Outcome.ShouldBe(DeleteOutcome.Unknown);
        (await CountAsync("manifest_children")).ShouldBe(1, "what is in the trash holds what it needs");
    }

    [Fact, Promise("P3")]
    public async Task RemoveLink_OfALayer_NamesTwentyHoldersAndCountsAll()
    {
        var layer = await LinkAsync("base layer");
        var images = Enumerable.Range(0, 25).Select(i => Putting(App, $"image {i}", Image(layer, layer))).ToList();
        foreach (var image in images)
            (await PutAsync(image)).IsWhole.ShouldBeTrue();

        var held = await ChangeAsync(session => BlobLinks.Remove(session, App, layer.Digest, ByClient, Now));
        held.Outcome.ShouldBe(DeleteOutcome.Held);
        held.HolderCount.ShouldBe(25);
        held.Holders.Count.ShouldBe(20);
        held.Holders.ShouldBeSubsetOf(images.Select(image => image.Digest));

        foreach (var image in images)
            await DeleteAsync(image);
        (await ChangeAsync(session => BlobLinks.Remove(session, App, layer.Digest, ByClient, Now))).Outcome.ShouldBe(DeleteOutcome.Deleted);
        (await ChangeAsync(session => BlobLinks.Remove(session, App, layer.Digest, ByClient, Now))).Outcome.ShouldBe(DeleteOutcome.Unknown);
    }

    [Fact]
    public async Task RemoveLink_InOneRepository_LeavesTheOthers()
    {
        var blob = await LinkAsync("shared");
        await LinkAsync("shared", Other);
        (await QueryAsync(session => BlobLinks.FindSources(session, App.Registry, blob.Digest, 10))).ShouldBe([App.Name, Other.Name]);
        await ChangeAsync(session => BlobLinks.Remove(session, App, blob.Digest, ByClient, Now));
        (await QueryAsync(session => BlobLinks.Find(session, App, blob.Digest))).ShouldBeNull();
        (await QueryAsync(session => BlobLinks.Find(session, Other, blob.Digest))).ShouldBe(new VisibleBlob(blob.Digest, blob.SizeBytes, Stamp, Now, Now));
        (await QueryAsync(session => BlobLinks.FindSources(session, App.Registry, blob.Digest, 10))).ShouldBe([Other.Name]);
        (await QueryAsync(session => BlobLinks.FindSources(session, App.Registry + 1, blob.Digest, 10))).ShouldBeEmpty();
    }

    [Fact]
    public async Task AddLink_AgainWithAnotherSize_SetsTheSizeRight()
    {
        var blob = await LinkAsync("blob");
        await ChangeAsync(session => BlobLinks.Add(session, App, new StoredBlob(blob.Digest, 99, Stamp), Now));
        (await QueryAsync(session => BlobLinks.Find(session, App, blob.Digest)))!.Value.SizeBytes.ShouldBe(99);
    }

    [Fact]
    public async Task DeleteTag_OfSeveral_LeavesTheManifestAndTheOthers()
    {
        var put = await PutImageAsync("app", App, "a", "b");
        (await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse("a"), ByClient, Now))).ShouldBeTrue();
        (await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse("a"), ByClient, Now))).ShouldBeFalse();
        (await ChangeAsync(session => Tags.Delete(session, Other, Tag.Parse("b"), ByClient, Now))).ShouldBeFalse();
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("b"))))!.Digest.ShouldBe(put.Digest);
        (await QueryAsync(session => Tags.List(session, App, null, 10))).Names.ShouldBe(["b"]);
    }

    private Task<DeleteResult> DeleteAsync(ManifestPut put) => ChangeAsync(session => Manifests.Delete(session, put.Repository, put.Digest, ByClient, Now));
}
