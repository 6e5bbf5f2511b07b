using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Server.Caching;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Collection;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Who comes a moment too late for a fetch, in the order in which it happens once in a thousand pulls.</summary>
public sealed class FetchRaceTests : IAsyncLifetime
{
    private static readonly RepositoryName Name = RepositoryName.Parse(CachingLab.Repository);

    private readonly CancellationTokenSource _stopping = new();
    private readonly RegistryFixture _origin = new();
    private CollectionFixture _stores = null!;
    private FaultProxy _proxy = null!;
    private FetchRoom _room = null!;
    private Cache _cache = null!;
    private BlobFetches _blobs = null!;

    public async ValueTask InitializeAsync()
    {
        await _origin.StartAsync();
        _stores = await CollectionFixture.StartAsync();
        _proxy = FaultProxy.Start(_origin.Address);
        var id = await _stores.WriteAsync(static db => Registries.Ensure(db, "hub", RegistryKind.Cache));
        var options = new CacheOptions { Upstream = new UpstreamOptions { Urls = [_proxy.Address], Namespace = "registry.example" }, FinishBytes = 0 };
        var plan = new UpstreamPlan { Cache = "races", Namespace = "registry.example", Mirrors = [new UpstreamMirror { Address = _proxy.Address }] };
        _cache = new Cache(new Registry(id!.Value, "hub", _stores.Stores) { Cache = options }, new Holdfast.Client.Upstream(plan), "via", _stores.Incidents) { Time = TimeProvider.System };
        _room = new FetchRoom(_stores.Stores, new DiskReserve(_stores.Stores.Blobs, 0, TimeProvider.System), _stores.Incidents, TimeProvider.System, NullLogger<FetchRoom>.Instance) { Stopping = _stopping.Token };
        _blobs = new BlobFetches(_room);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _blobs.DisposeAsync();
        _cache.Dispose();
        _stopping.Dispose();
        await _proxy.DisposeAsync();
        await _stores.DisposeAsync();
        await _origin.DisposeAsync();
    }

    /// <summary>It looked before the fetch had stored it, and asks for it after the fetch has ended.</summary>
    [Fact]
    public async Task Blob_ThatWasStoredSinceItWasMissed_IsNotFetchedAgain()
    {
        var digest = await _origin.PushBlobAsync(CachingLab.Repository, Samples.Bytes(1, 300_000));
        for (var i = 0; i < 3; i++)
            (await _blobs.FetchAsync(_cache, Name, digest, anew: false, CancellationToken.None)).ShouldBeNull();
        _proxy.Count("GET", "/blobs/").ShouldBe(1);
        var (fetch, reader) = _blobs.Join(_cache, Name, digest, anew: false);
        await using (reader)
        {
            (await fetch.Opening).ShouldBeNull();
            fetch.WasStored.ShouldBeTrue();
        }
        // Unless what is stored is of no use.
        (await _blobs.FetchAsync(_cache, Name, digest, anew: true, CancellationToken.None)).ShouldBeNull();
        _proxy.Count("GET", "/blobs/").ShouldBe(2);
    }

    [Fact]
    public async Task Manifest_ThatWasStoredSinceItWasMissed_IsNotFetchedAgain()
    {
        var manifest = await _origin.PushImageAsync(CachingLab.Repository, "v1", 1);
        var fetches = new ManifestFetches(_room);
        for (var i = 0; i < 3; i++)
        {
            var fetched = await fetches.FetchAsync(_cache, Name, Samples.DigestOf(manifest), default);
            fetched.Failure.ShouldBeNull();
            fetched.IsStored.ShouldBeTrue();
            fetched.Manifest!.Payload.ToArray().ShouldBe(manifest);
        }
        _proxy.Requests.Count.ShouldBe(1);
    }

    /// <summary>The last one leaves, so that the fetch is given up, and at once there is another one.</summary>
    [Fact]
    public async Task Fetch_ThatIsGivenUp_IsNotJoined()
    {
        var content = Samples.Bytes(1, 3_000_000);
        var digest = await _origin.PushBlobAsync(CachingLab.Repository, content);
        var gate = new Gate();
        _proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 1_000_000, Times = 1 });
        var (first, leaving) = _blobs.Join(_cache, Name, digest, anew: false);
        (await first.Opening).ShouldBeNull();
        await leaving.DisposeAsync();
        var (second, staying) = _blobs.Join(_cache, Name, digest, anew: false);
        await using (staying)
        {
            second.ShouldNotBeSameAs(first);
            (await second.Opening).ShouldBeNull();
            var read = new MemoryStream();
            var buffer = new byte[100_000];
            for (int got; (got = await staying.ReadAsync(buffer, CancellationToken.None)) > 0;)
                read.Write(buffer, 0, got);
            read.ToArray().AsSpan().SequenceEqual(content).ShouldBeTrue();
        }
        first.IsStored.ShouldBeFalse();
    }

    [Fact]
    public async Task Reader_ThatStays_KeepsTheFetchWhoeverLeaves()
    {
        var content = Samples.Bytes(1, 3_000_000);
        var digest = await _origin.PushBlobAsync(CachingLab.Repository, content);
        var gate = new Gate();
        _proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 1_000_000, Times = 1 });
        var (fetch, staying) = _blobs.Join(_cache, Name, digest, anew: false);
        await gate.Reached;
        for (var i = 0; i < 100; i++)
        {
            var (joined, leaving) = _blobs.Join(_cache, Name, digest, anew: false);
            joined.ShouldBeSameAs(fetch);
            await leaving.DisposeAsync();
        }
        gate.Open();
        var (length, buffer) = (0L, new byte[100_000]);
        for (int got; (got = await staying.ReadAsync(buffer, CancellationToken.None)) > 0;)
            length += got;
        length.ShouldBe(content.Length);
        await staying.DisposeAsync();
        _proxy.Count("GET", "/blobs/").ShouldBe(1);
    }
}
