using System.Text;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    [Fact, Promise("P2")]
    public async Task Put_EdgesMissing_NamesEveryOneInOrderAndChangesNothing()
    {
        var present = await LinkAsync("present");
        var elsewhere = await LinkAsync("only in the other repository", Other);
        var (config, layer, child) = (Content("config"), Content("layer"), Content("child"));
        var manifest = new Manifest { MediaType = "x", Config = config, Layers = [layer, present, elsewhere, layer], Children = [child] };

        var result = await PutAsync(Putting(App, "broken", manifest, "latest"));

        result.IsWhole.ShouldBeFalse();
        result.Missing.ShouldBe([config, layer, elsewhere, child]);
        result.Mismatched.ShouldBeEmpty();
        (await CountAsync("manifests")).ShouldBe(0);
        (await CountAsync("manifest_payloads")).ShouldBe(0);
        (await CountAsync("tags")).ShouldBe(0);
        (await CountAsync("blobs")).ShouldBe(2);
    }

    [Fact, Promise("P2")]
    public async Task Put_UnknownRepository_IsNotCreatedForABrokenManifest()
    {
        (await PutAsync(Putting(App, "broken", Image(Content("config"))))).Missing.ShouldHaveSingleItem();
        (await QueryAsync(session => Repositories.Exists(session, App))).ShouldBeFalse();
    }

    [Fact, Promise("P2")]
    public async Task Put_SizesDiffer_NamesThemWithTheStoredSize()
    {
        var layer = await LinkAsync("layer");
        var child = await PutImageAsync("child");
        var manifest = new Manifest
        {
            MediaType = "x",
            Layers = [layer, layer with { SizeBytes = 4 }],
            Children = [AsChild(child) with { SizeBytes = 1 }],
        };

        var result = await PutAsync(Putting(App, "lying", manifest));

        result.Missing.ShouldBeEmpty();
        result.Mismatched.ShouldBe([
            new SizeMismatch(layer with { SizeBytes = 4 }, 5),
            new SizeMismatch(AsChild(child) with { SizeBytes = 1 }, child.Payload.Length)]);
        (await CountAsync("manifests")).ShouldBe(1);
    }

    [Fact]
    public async Task Put_SameDescriptorsTwice_IsStored()
    {
        var blob = await LinkAsync("{}");
        var child = await PutImageAsync("child");
        (await PutAsync(Putting(App, "twice", Image(blob, blob, blob)))).IsWhole.ShouldBeTrue();
        (await PutAsync(Putting(App, "index", Index(AsChild(child), AsChild(child))))).IsWhole.ShouldBeTrue();
    }

    [Fact]
    public async Task Put_EmptyIndexAndIndexOfIndexes_AreStored()
    {
        var empty = Putting(App, "empty", Index());
        (await PutAsync(empty)).IsWhole.ShouldBeTrue();
        (await PutAsync(Putting(App, "nested", Index(AsChild(empty))))).IsWhole.ShouldBeTrue();
    }

    [Fact]
    public async Task Put_ChildIsALinkedBlob_IsHeldAsOne()
    {
        // BuildKit's registry cache is an index whose manifests[] are layers.
        var layer = await LinkAsync("cache layer");
        var put = Putting(App, "cache index", Index(layer));
        (await PutAsync(put)).IsWhole.ShouldBeTrue();
        var removed = await ChangeAsync(session => BlobLinks.Remove(session, App, layer.Digest, ByClient, Now));
        removed.Outcome.ShouldBe(DeleteOutcome.Held);
        removed.Holders.ShouldBe([put.Digest]);
    }

    [Fact]
    public async Task Put_Stored_IsFoundByTagsAndDigestWithItsBytes()
    {
        var put = await PutImageAsync("app", App, "latest", "v1");
        var expected = new StoredManifest(put.Digest, MediaTypes.OciManifest, put.Payload.Length);
        foreach (var reference in (Reference[])[Tag.Parse("latest"), Tag.Parse("v1"), put.Digest])
            (await QueryAsync(session => Manifests.Find(session, App, reference))).ShouldBe(expected);
        (await QueryAsync(session => Manifests.ReadPayload(session, put.Digest))).ShouldBe(put.Payload.ToArray());
        (await QueryAsync(session => Manifests.Find(session, Other, put.Digest))).ShouldBeNull();
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("v2")))).ShouldBeNull();
        (await QueryAsync(session => BlobLinks.Find(session, App, put.Digest))).ShouldBeNull();
    }

    [Fact]
    public async Task Put_Again_IsIdempotentAndMovesTagsOnlyWhenTheyMove()
    {
        var first = await PutImageAsync("one", App, "latest");
        await PutAsync(first, Now + 5);
        (await TagTimesAsync("latest")).ShouldBe((Now, Now));

        var second = await PutImageAsync("two");
        await PutAsync(second with { Tags = [Tag.Parse("latest")] }, Now + 9);
        (await TagTimesAsync("latest")).ShouldBe((Now, Now + 9));
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("latest"))))!.Digest.ShouldBe(second.Digest);
        (await CountAsync("manifests")).ShouldBe(2);
    }

    [Fact]
    public async Task Put_AgainWithAnotherMediaType_WritesItsEdgesAnew()
    {
        var layer = await LinkAsync("layer");
        await PutAsync(Putting(App, "both", Image(null, layer)));
        await PutAsync(Putting(App, "both", Index()));
        (await QueryAsync(session => Manifests.Find(session, App, Putting(App, "both", Index()).Digest)))!.MediaType.ShouldBe(MediaTypes.OciIndex);
        (await ChangeAsync(session => BlobLinks.Remove(session, App, layer.Digest, ByClient, Now))).Outcome.ShouldBe(DeleteOutcome.Deleted);
    }

    [Fact]
    public async Task Put_PayloadDamagedInTheDatabase_HealsIt()
    {
        var put = await PutImageAsync("app");
        await ChangeAsync(session =>
            session.Prepare("UPDATE manifest_payloads SET payload = @payload").Set("@payload", Encoding.UTF8.GetBytes("broken app")).Execute());
        await PutAsync(put);
        (await QueryAsync(session => Manifests.ReadPayload(session, put.Digest))).ShouldBe(put.Payload.ToArray());
    }

    [Fact]
    public async Task Put_SoftEdges_NeedNotResolve()
    {
        var manifest = new Manifest
        {
            MediaType = MediaTypes.OciManifest,
            NonDistributableLayers = [Content("foreign"), Content("foreign")],
            Subject = Content("absent subject"),
        };
        (await PutAsync(Putting(App, "soft", manifest))).IsWhole.ShouldBeTrue();
        (await CountAsync("soft_edges")).ShouldBe(1);
    }

    [Fact]
    public async Task Put_10000Children_AllResolve()
    {
        var children = new List<Descriptor>();
        await ChangeAsync(session =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                var put = Putting(App, $"child {i}", Index());
                Manifests.Put(session, put, Now);
                children.Add(AsChild(put));
            }
        });
        var missing = Content("missing");
        (await PutAsync(Putting(App, "broken", Index([.. children, missing])))).Missing.ShouldBe([missing]);
        (await PutAsync(Putting(App, "whole", Index([.. children])))).IsWhole.ShouldBeTrue();
        (await CountAsync("manifest_children")).ShouldBe(10_000);
    }

    private async Task<(long CreatedAt, long UpdatedAt)> TagTimesAsync(string tag) => await QueryAsync(session =>
    {
        using var rows = session.Prepare("SELECT created_at, updated_at FROM tags WHERE name = @tag").Set("@tag", tag).Query();
        rows.Read().ShouldBeTrue();
        return (rows.Long(0), rows.Long(1));
    });
}
