using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

/// <summary>The content of caches: soft edges, the upstream's tags, eviction.</summary>
public abstract partial class MetadataDatabaseContract
{
    private static readonly Tag Latest = Tag.Parse("latest");

    [Fact]
    public async Task CachedPut_WithNothingOfItsClosure_IsStoredAndReadBack()
    {
        var cache = await OpenCacheAsync();
        var put = Putting(cache, "index", Index(AsChild(Putting(cache, "child", Image(null)))), "latest");
        await CacheAsync(put);
        var stored = await QueryAsync(session => Manifests.Find(session, cache, put.Digest));
        stored.ShouldNotBeNull().SizeBytes.ShouldBe(put.Payload.Length);
        (await QueryAsync(session => Manifests.Find(session, cache, Latest)))!.Digest.ShouldBe(put.Digest);
        (await CountAsync("soft_edges")).ShouldBe(1);
        (await CountAsync("manifest_children")).ShouldBe(0);
        await CacheAsync(put); // Once more is as good.
        (await CountAsync("manifests")).ShouldBe(1);
        (await CountAsync("soft_edges")).ShouldBe(1);
    }

    [Fact]
    public async Task CachedTag_IsConfirmedMovedAndGone()
    {
        var cache = await OpenCacheAsync();
        var (one, two) = (Putting(cache, "one", Image(Content("a")), "latest"), Putting(cache, "two", Image(Content("b"))));
        await CacheAsync(one, Now);
        (await TagAsync(cache)).ShouldBe(new CachedTag(one.Digest, Now, null));
        (await ChangeAsync(session => CachedTags.Confirm(session, cache, Latest, two.Digest, Now + 1))).ShouldBeFalse();
        (await TagAsync(cache)).ShouldBe(new CachedTag(one.Digest, Now, null));
        await CacheAsync(two, Now + 2);
        (await ChangeAsync(session => CachedTags.Confirm(session, cache, Latest, two.Digest, Now + 3))).ShouldBeTrue();
        (await TagAsync(cache)).ShouldBe(new CachedTag(two.Digest, Now + 3, null));
        await ChangeAsync(session => CachedTags.NoteGone(session, cache, Latest, Now + 4));
        await ChangeAsync(session => CachedTags.NoteGone(session, cache, Latest, Now + 5));
        (await TagAsync(cache)).ShouldBe(new CachedTag(two.Digest, Now + 3, Now + 4));
        (await ChangeAsync(session => CachedTags.Confirm(session, cache, Latest, one.Digest, Now + 6))).ShouldBeTrue();
        (await TagAsync(cache)).ShouldBe(new CachedTag(one.Digest, Now + 6, null));
        (await QueryAsync(session => CachedTags.List(session, cache.Registry, 0, 10))).ShouldBe([(cache.Name, Latest)]);
        (await QueryAsync(session => CachedTags.List(session, cache.Registry, 1, 10))).ShouldBeEmpty();
        await ChangeAsync(session => CachedTags.NoteGone(session, cache with { Name = RepositoryName.Parse("no/such") }, Latest, Now));
    }

    [Fact]
    public async Task CachedLink_OfWhatIsStoredForAnother_NeedsItsBytesToBeRight()
    {
        var cache = await OpenCacheAsync();
        var hosted = await LinkAsync("layer");
        (await QueryAsync(session => CachedManifests.IsStoredElsewhere(session, cache, hosted.Digest))).ShouldBeTrue();
        (await QueryAsync(session => CachedManifests.IsStoredElsewhere(session, App, hosted.Digest))).ShouldBeFalse();
        (await QueryAsync(session => CachedManifests.IsStoredElsewhere(session, cache, Content("none").Digest))).ShouldBeFalse();
        (await ChangeAsync(session => CachedManifests.TryLinkStored(session, cache, Content("none").Digest, Now))).ShouldBeFalse();
        await ChangeAsync(session => session.Execute("UPDATE blobs SET stamp = 0"));
        (await QueryAsync(session => CachedManifests.IsStoredElsewhere(session, cache, hosted.Digest))).ShouldBeFalse();
        (await ChangeAsync(session => CachedManifests.TryLinkStored(session, cache, hosted.Digest, Now))).ShouldBeFalse();
        (await QueryAsync(session => Repositories.Exists(session, cache))).ShouldBeFalse();
        await ChangeAsync(session => session.Execute("UPDATE blobs SET stamp = 5"));
        (await ChangeAsync(session => CachedManifests.TryLinkStored(session, cache, hosted.Digest, Now))).ShouldBeTrue();
        (await QueryAsync(session => BlobLinks.Find(session, cache, hosted.Digest))).ShouldNotBeNull();
        (await QueryAsync(session => CachedManifests.IsStoredElsewhere(session, cache, hosted.Digest))).ShouldBeFalse();
    }

    [Fact]
    public async Task Measure_CountsEachBlobOfCachesOnce()
    {
        var (cache, second) = (await OpenCacheAsync(), await OpenCacheAsync("second"));
        await PutImageAsync("hosted");
        (await SizeAsync(0)).ShouldBe(0);
        var image = await CacheImageAsync(cache, "image", Now);
        var own = image.Payload.Length + "config of image".Length + "layer of image".Length;
        (await SizeAsync(cache.Registry)).ShouldBe(own);
        var other = cache with { Name = RepositoryName.Parse("team/copy") };
        await CacheImageAsync(other, "image", Now);
        (await SizeAsync(cache.Registry)).ShouldBe(own);
        await CacheImageAsync(second, "image", Now);
        (await SizeAsync(second.Registry)).ShouldBe(own);
        (await SizeAsync(0)).ShouldBe(own);
    }

    [Fact]
    public async Task Images_AreListedByLastUse_AnIndexThroughItsChildren()
    {
        var cache = await OpenCacheAsync();
        var child = await CacheImageAsync(cache, "child", Now);
        var index = Putting(cache, "index", Index(AsChild(child)), "latest");
        await CacheAsync(index, Now + 1);
        var old = await CacheImageAsync(cache, "old", Now + 10);
        var hosted = await PutImageAsync("hosted");
        await PullAsync(child.Digest, Now + 100);
        var listed = await QueryAsync(session => CacheEviction.ListImages(session, 0, 0, 10));
        listed.Select(image => (image.Digest, image.UsedMs)).ShouldBe([(old.Digest, Now + 10), (index.Digest, Now + 100)]);
        listed[1].Tags.ShouldBe([Latest]);
        listed.ShouldNotContain(image => image.Digest == hosted.Digest);
        (await QueryAsync(session => CacheEviction.ListImages(session, cache.Registry, 1, 1))).ShouldHaveSingleItem().Digest.ShouldBe(index.Digest);
        (await QueryAsync(session => CacheEviction.ListImages(session, App.Registry, 0, 10))).ShouldBeEmpty();
    }

    [Fact, Promise("P3")]
    public async Task Evict_TakesTheWholeImageAndNothingThatOthersHave()
    {
        var cache = await OpenCacheAsync();
        var (alone, shared, tagged) = (await CacheImageAsync(cache, "alone", Now), await CacheImageAsync(cache, "shared", Now), await CacheImageAsync(cache, "tagged", Now, "v1"));
        await CacheAsync(Putting(cache, "one", Index(AsChild(alone), AsChild(shared), AsChild(tagged), Content("never came")), "latest"), Now + 1);
        await CacheAsync(Putting(cache, "two", Index(AsChild(shared))), Now + 2);
        var kept = await PutImageAsync("alone"); // The same blobs, and the same manifest, in a hosted registry.
        var image = (await QueryAsync(session => CacheEviction.ListImages(session, cache.Registry, 0, 10)))[0];
        image.Tags.ShouldBe([Latest]);

        var freed = await ChangeAsync(session => CacheEviction.EvictImage(session, image, _ => false));

        freed.ShouldBe("one".Length + alone.Payload.Length + "config of alone".Length + "layer of alone".Length);
        (await QueryAsync(session => Manifests.Find(session, cache, image.Digest))).ShouldBeNull();
        (await QueryAsync(session => Manifests.Find(session, cache, alone.Digest))).ShouldBeNull();
        (await QueryAsync(session => CachedTags.Find(session, cache, Latest))).ShouldBeNull();
        foreach (var stays in new[] { shared, tagged })
        {
            (await QueryAsync(session => Manifests.Find(session, cache, stays.Digest))).ShouldNotBeNull();
            foreach (var blob in stays.Manifest.Layers)
                (await QueryAsync(session => BlobLinks.Find(session, cache, blob.Digest))).ShouldNotBeNull();
        }
        (await QueryAsync(session => BlobLinks.Find(session, cache, alone.Manifest.Layers[0].Digest))).ShouldBeNull();
        (await QueryAsync(session => Manifests.Find(session, App, kept.Digest))).ShouldNotBeNull();
        (await QueryAsync(session => BlobLinks.Find(session, App, alone.Manifest.Layers[0].Digest))).ShouldNotBeNull();
        (await ChangeAsync(session => CacheEviction.EvictImage(session, image, _ => false))).ShouldBe(0);
    }

    [Fact, Promise("P3")]
    public async Task Evict_OfWhatIsHeld_ChangesNothing()
    {
        var cache = await OpenCacheAsync();
        var child = await CacheImageAsync(cache, "child", Now);
        await CacheAsync(Putting(cache, "index", Index(AsChild(child)), "latest"), Now + 1);
        var image = (await QueryAsync(session => CacheEviction.ListImages(session, cache.Registry, 0, 10))).ShouldHaveSingleItem();
        foreach (var held in new[] { image.Digest, child.Digest, child.Manifest.Layers[0].Digest, child.Manifest.Config!.Digest })
            (await ChangeAsync(session => CacheEviction.EvictImage(session, image, digest => digest == held))).ShouldBeNull();
        (await CountAsync("manifests")).ShouldBe(2);
        (await CountAsync("links")).ShouldBe(2);
        (await TagAsync(cache)).Digest.ShouldBe(image.Digest);
    }

    /// <summary>Between the list of images and the change a tag may have come to one of them.</summary>
    [Fact, Promise("P3")]
    public async Task Evict_OfWhatAPinnedTagHasComeTo_ChangesNothing()
    {
        var cache = await OpenCacheAsync();
        var put = await CacheImageAsync(cache, "image", Now);
        var listed = (await QueryAsync(session => CacheEviction.ListImages(session, cache.Registry, 0, 10))).ShouldHaveSingleItem();
        listed.Tags.ShouldBeEmpty();
        await CacheAsync(put with { Tags = [Latest] }, Now + 1);
        (await ChangeAsync(session => CacheEviction.EvictImage(session, listed, _ => false, tags => tags.Contains(Latest)))).ShouldBeNull();
        (await TagAsync(cache)).Digest.ShouldBe(put.Digest);
        (await CountAsync("links")).ShouldBe(2);
        (await ChangeAsync(session => CacheEviction.EvictImage(session, listed, _ => false, _ => false))).ShouldNotBeNull().ShouldBeGreaterThan(0);
    }

    /// <summary>As build caches list their layers: they are a part of it, and not loose.</summary>
    [Fact]
    public async Task Evict_OfAnIndexThatListsBlobs_TakesThemAndNothingElseDoes()
    {
        const string Layer = "layer of a build";
        var cache = await OpenCacheAsync();
        var layer = Content(Layer, "application/vnd.oci.image.layer.v1.tar+gzip");
        var index = Putting(cache, "index", Index(layer), "latest");
        await CacheAsync(index, Now);
        await CacheLinkAsync(cache, Layer, Now);
        (await ChangeAsync(session => CacheEviction.EvictLoose(session, cache.Registry, Now + 50, 100, _ => false))).ShouldBe(0);
        (await QueryAsync(session => BlobLinks.Find(session, cache, layer.Digest))).ShouldNotBeNull();
        var image = (await QueryAsync(session => CacheEviction.ListImages(session, cache.Registry, 0, 10))).ShouldHaveSingleItem();
        (await ChangeAsync(session => CacheEviction.EvictImage(session, image, digest => digest == layer.Digest))).ShouldBeNull();
        (await ChangeAsync(session => CacheEviction.EvictImage(session, image, _ => false))).ShouldBe(index.Payload.Length + Layer.Length);
        (await QueryAsync(session => BlobLinks.Find(session, cache, layer.Digest))).ShouldBeNull();
    }

    [Fact]
    public async Task Repositories_OfCachesThatHaveBytes_AreListedAndNoHostedOnes()
    {
        var cache = await OpenCacheAsync();
        var image = await CacheImageAsync(cache, "image", Now);
        var copy = new RepositoryKey(cache.Registry, RepositoryName.Parse("team/copy"));
        await CacheLinkAsync(copy, "layer of image", Now);
        await PutImageAsync("image"); // The same in a hosted registry.
        var layer = image.Manifest.Layers[0].Digest;
        (await QueryAsync(session => CachedManifests.RepositoriesOf(session, layer, 10))).ShouldBe([cache, copy]);
        (await QueryAsync(session => CachedManifests.RepositoriesOf(session, layer, 1))).ShouldBe([cache]);
        (await QueryAsync(session => CachedManifests.RepositoriesOf(session, image.Digest, 10))).ShouldBe([cache]);
        (await QueryAsync(session => CachedManifests.RepositoriesOf(session, Content("none").Digest, 10))).ShouldBeEmpty();
    }

    /// <summary>An index may list what lists it only by a hash that nobody can make, but rows may say anything.</summary>
    [Fact]
    public async Task Evict_OfWhatListsItself_Ends()
    {
        var cache = await OpenCacheAsync();
        var put = Putting(cache, "index", Index(), "latest");
        await CacheAsync(put with { Manifest = Index(AsChild(put), Content("other")) }, Now);
        var id = await QueryAsync(session => session.Prepare("SELECT id FROM manifests").QueryLong());
        var image = new CachedImage(id!.Value, cache, put.Digest, Now, []);
        (await ChangeAsync(session => CacheEviction.EvictImage(session, image, _ => false))).ShouldBe(put.Payload.Length);
        (await CountAsync("manifests")).ShouldBe(0);
    }

    /// <summary>An upstream, or whoever may push to it, nests indexes as deep as it likes.</summary>
    [Fact, Promise("P5")]
    public async Task Evict_OfIndexesNestedDeeply_Ends()
    {
        const int Depth = 30_000;
        var cache = await OpenCacheAsync();
        var root = await ChangeAsync(session =>
        {
            var put = Putting(cache, "0", Index());
            for (var i = 1; i <= Depth; i++)
            {
                CachedManifests.Put(session, put with { Stamp = Stamp }, Now);
                put = Putting(cache, i.ToString(System.Globalization.CultureInfo.InvariantCulture), Index(AsChild(put)));
            }
            CachedManifests.Put(session, put with { Stamp = Stamp }, Now);
            return put;
        });
        var image = (await QueryAsync(session => CacheEviction.ListImages(session, cache.Registry, 0, 10))).ShouldHaveSingleItem();
        image.Digest.ShouldBe(root.Digest);
        await ChangeAsync(session => CacheEviction.EvictImage(session, image, _ => false));
        (await CountAsync("manifests")).ShouldBe(0);
    }

    [Fact]
    public async Task EvictLoose_TakesOldLinksThatNoManifestNeeds()
    {
        var cache = await OpenCacheAsync();
        await CacheImageAsync(cache, "image", Now);
        await CacheLinkAsync(cache, "old", Now);
        await CacheLinkAsync(cache, "held", Now);
        await CacheLinkAsync(cache, "young", Now + 100);
        await LinkAsync("hosted");
        var freed = await ChangeAsync(session => CacheEviction.EvictLoose(session, cache.Registry, Now + 50, 100, digest => digest == Content("held").Digest));
        freed.ShouldBe("old".Length);
        foreach (var (text, stays) in new[] { ("old", false), ("held", true), ("young", true), ("layer of image", true) })
            (await QueryAsync(session => BlobLinks.Find(session, cache, Content(text).Digest))).HasValue.ShouldBe(stays, text);
        (await QueryAsync(session => BlobLinks.Find(session, App, Content("hosted").Digest))).ShouldNotBeNull();
        (await ChangeAsync(session => CacheEviction.EvictLoose(session, cache.Registry, Now + 50, 100, _ => false))).ShouldBe("held".Length);
    }

    [Fact]
    public async Task Kind_OfARegistry_ChangesWhileItHoldsNothing()
    {
        var cache = await OpenCacheAsync("thing");
        (await ChangeAsync(session => Registries.Ensure(session, "thing", RegistryKind.Hosted))).ShouldBe(cache.Registry);
        (await ChangeAsync(session => Registries.Ensure(session, "thing", RegistryKind.Cache))).ShouldBe(cache.Registry);
        await CacheLinkAsync(cache, "x", Now);
        (await ChangeAsync(session => Registries.Ensure(session, "thing", RegistryKind.Hosted))).ShouldBeNull();
        (await ChangeAsync(session => Registries.Ensure(session, "thing", RegistryKind.Cache))).ShouldBe(cache.Registry);
        await LinkAsync("y");
        (await ChangeAsync(session => Registries.Ensure(session, "private", RegistryKind.Cache))).ShouldBeNull();
    }

    /// <summary>What one upstream said of its tags says nothing of another's.</summary>
    [Fact]
    public async Task Cache_ThatIsFilledFromAnotherUpstream_HasNothingOfTheFirst()
    {
        var first = (await ChangeAsync(session => Registries.EnsureCache(session, "hub", "docker.io"))).ShouldNotBeNull();
        var cache = new RepositoryKey(first, RepositoryName.Parse("team/app"));
        await CacheImageAsync(cache, "image", Now);
        (await ChangeAsync(session => Registries.EnsureCache(session, "hub", "docker.io"))).ShouldBe(first);

        var second = (await ChangeAsync(session => Registries.EnsureCache(session, "hub", "quay.io"))).ShouldNotBeNull();

        second.ShouldNotBe(first);
        (await QueryAsync(session => CacheEviction.ListImages(session, second, 0, 10))).ShouldBeEmpty();
        // All caches together count it, and let go of it.
        (await QueryAsync(session => CacheEviction.ListImages(session, 0, 0, 10))).ShouldHaveSingleItem();
        for (var i = 0; i < 2; i++)
        {
            (await ChangeAsync(session => Registries.EnsureCache(session, "hub", "docker.io"))).ShouldBe(first);
            (await ChangeAsync(session => Registries.EnsureCache(session, "hub", "quay.io"))).ShouldBe(second);
        }
        await LinkAsync("hosted");
        (await ChangeAsync(session => Registries.EnsureCache(session, "private", "quay.io"))).ShouldBeNull();
    }

    /// <summary>Of a cache that an earlier program made nobody knows the upstream.</summary>
    [Fact]
    public async Task Cache_OfAnUpstreamThatWasNotWrittenDown_KeepsWhatItHas()
    {
        var cache = await OpenCacheAsync("hub");
        (await ChangeAsync(session => Registries.EnsureCache(session, "hub", "docker.io"))).ShouldBe(cache.Registry);
    }

    private async Task<RepositoryKey> OpenCacheAsync(string name = "cache") =>
        new((await ChangeAsync(session => Registries.Ensure(session, name, RegistryKind.Cache)))!.Value, RepositoryName.Parse("team/app"));

    private Task CacheAsync(ManifestPut put, long nowMs = Now) => ChangeAsync(session => CachedManifests.Put(session, put with { Stamp = Stamp }, nowMs));

    private Task CacheLinkAsync(RepositoryKey repository, string text, long nowMs)
    {
        var content = Content(text);
        return ChangeAsync(session => CachedManifests.Link(session, repository, new StoredBlob(content.Digest, content.SizeBytes, Stamp), nowMs));
    }

    private async Task<ManifestPut> CacheImageAsync(RepositoryKey repository, string name, long nowMs, params string[] tags)
    {
        var put = Putting(repository, $"image {name}", Image(Content($"config of {name}"), Content($"layer of {name}")), tags);
        await CacheAsync(put, nowMs);
        await CacheLinkAsync(repository, $"config of {name}", nowMs);
        await CacheLinkAsync(repository, $"layer of {name}", nowMs);
        return put;
    }

    private Task PullAsync(Digest digest, long nowMs) => ChangeAsync(session =>
    {
        session.Prepare("UPDATE manifests SET pulled_at = @now WHERE blob_id = (SELECT id FROM blobs WHERE digest = @digest)").Set("@now", nowMs).Set("@digest", digest).Execute();
    });

    private async Task<CachedTag> TagAsync(RepositoryKey repository) => (await QueryAsync(session => CachedTags.Find(session, repository, Latest)))!.Value;

    private Task<long> SizeAsync(int registry) => QueryAsync(session => CacheEviction.MeasureBytes(session, registry));
}
