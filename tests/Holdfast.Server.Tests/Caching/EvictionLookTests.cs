using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Caching;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Collection;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>One look of the eviction at a cache that holds too much: it doesn't end before the cache is within its bound, if it can be.</summary>
public sealed class EvictionLookTests : IAsyncLifetime
{
    private const int Layer = 10_000;

    private CollectionFixture _stores = null!;
    private FetchRoom _room = null!;
    private int _registry;

    public async ValueTask InitializeAsync()
    {
        _stores = await CollectionFixture.StartAsync();
        _room = new FetchRoom(_stores.Stores, new DiskReserve(_stores.Stores.Blobs, 0, _stores.Time), _stores.Incidents, _stores.Time, NullLogger<FetchRoom>.Instance) { Stopping = CancellationToken.None };
        _registry = (await _stores.WriteAsync(static db => Registries.Ensure(db, "hub", RegistryKind.Cache)))!.Value;
    }

    public ValueTask DisposeAsync() => _stores.DisposeAsync();

    /// <summary>Counted once, it goes only when the last repository has let go of it.</summary>
    [Fact]
    public async Task Look_AtBytesOfTwoRepositories_GoesOnUntilTheyHaveGone()
    {
        var shared = LabImage.Create(1, Layer);
        await CacheAsync("team/one", shared, 1, "v1");
        await CacheAsync("team/two", shared, 2, "v1");
        var kept = LabImage.Create(2, Layer);
        await CacheAsync("team/kept", kept, 3, "v1");
        await LookAsync(await SizeAsync() - 1);
        (await NamesAsync()).ShouldBe(["team/kept"]);
        (await SizeAsync()).ShouldBe(kept.Manifest.Length + kept.Blobs.Sum(static blob => blob.Length));
    }

    /// <summary>With the index gone it is an image of its own, older than those that were passed meanwhile.</summary>
    [Fact]
    public async Task Look_AtWhatAnEvictedIndexListed_TakesItToo()
    {
        var child = LabImage.Create(1, Layer);
        await CacheAsync("team/app", child, 1, "child");
        await PutAsync("team/app", Samples.Index(child.Manifest), 1, "multi");
        var pinned = LabImage.Create(2, Layer);
        await CacheAsync("team/pinned", pinned, 2, "v1");
        var bound = pinned.Manifest.Length + pinned.Blobs.Sum(static blob => blob.Length);
        await LookAsync(bound, "team/pinned");
        (await NamesAsync()).ShouldBe(["team/pinned"]);
        (await SizeAsync()).ShouldBe(bound);
    }

    private async Task LookAsync(long bound, params string[] pins)
    {
        var address = new Uri("http://127.0.0.1:9");
        var options = new CacheOptions { Upstream = new UpstreamOptions { Urls = [address], Namespace = "registry.example" }, MaxBytes = bound, Pins = pins };
        using var cache = new Cache(
            new Registry(_registry, "hub", _stores.Stores) { Cache = options },
            new Holdfast.Client.Upstream(new UpstreamPlan { Cache = "looks", Namespace = "registry.example", Mirrors = [new UpstreamMirror { Address = address }] }),
            "via",
            _stores.Incidents)
        { Time = TimeProvider.System };
        var book = new CacheBook(new Dictionary<int, Cache> { [_registry] = cache });
        using var eviction = new Eviction(book, null, _room, new DiskReserve(_stores.Stores.Blobs, 0, _stores.Time)) { IsHeld = static _ => false, Collect = static _ => Task.CompletedTask };
        await eviction.RunAsync(CancellationToken.None);
    }

    private async Task CacheAsync(string repository, LabImage image, long nowMs, string tag)
    {
        await PutAsync(repository, image.Manifest, nowMs, tag);
        await _stores.WriteAsync(db =>
        {
            foreach (var blob in image.Blobs)
                CachedManifests.Link(db, Key(repository), new StoredBlob(Samples.DigestOf(blob), blob.Length, 1), nowMs);
            return true;
        });
    }

    private async Task PutAsync(string repository, byte[] manifest, long nowMs, string tag)
    {
        ManifestParser.TryParse(manifest, null, out var parsed, out var problem).ShouldBeTrue(problem);
        var put = new ManifestPut(Key(repository), Samples.DigestOf(manifest), manifest, parsed!, [Tag.Parse(tag)]) { Stamp = 1 };
        await _stores.WriteAsync(db =>
        {
            CachedManifests.Put(db, put, nowMs);
            return true;
        });
    }

    private RepositoryKey Key(string repository) => new(_registry, RepositoryName.Parse(repository));

    private Task<long> SizeAsync() => _stores.Stores.Metadata.ReadAsync(_registry, static (db, id) => CacheEviction.MeasureBytes(db, id), CancellationToken.None).AsTask();

    private async Task<IEnumerable<string>> NamesAsync() =>
        (await _stores.Stores.Metadata.ReadAsync(_registry, static (db, id) => CacheEviction.ListImages(db, id, 0, 100), CancellationToken.None)).Select(static image => image.Repository.Name.ToString());
}
