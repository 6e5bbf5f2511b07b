using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

/// <summary>What pulls get of stored bytes that somebody changed, or that were not hashed for long (P4).</summary>
public sealed class TrueServingTests : IAsyncLifetime
{
    // More than the sockets and pipes between can hold.
    private const int LargeBytes = 64 << 20;

    private readonly ManualTime _time = new();
    private readonly RegistryFixture _registry;
    private WatchedBlobStore _store = null!;

    public TrueServingTests() => _registry = new RegistryFixture
    {
        Time = _time,
        Wrap = store => _store = new WatchedBlobStore(store),
    };

    public ValueTask InitializeAsync() => _registry.InitializeAsync();

    public ValueTask DisposeAsync() => _registry.DisposeAsync();

    private async Task<(Digest Digest, string Path)> PushAsync(byte[] content)
    {
        var digest = await _registry.PushBlobAsync("app", content);
        return (digest, $"/v2/app/blobs/{digest}");
    }

    // The clock stands still, so that nothing but the pulls looks at the blobs.
    private Task<bool> AgeAsync() => _registry.ChangeAsync("UPDATE blobs SET verified_at = verified_at - 8 * 86400000");

    private ValueTask<long> OpenIncidentsAsync(string kind) =>
        _registry.CountAsync($"SELECT COUNT(*) FROM incidents WHERE kind = '{kind}' AND healed_at IS NULL");

    private async Task ShouldBe404Async(string path)
    {
        using var head = await _registry.HeadAsync(path);
        head.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var get = await _registry.GetAsync(path);
        get.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await get.ErrorAsync()).Code.ShouldBe("BLOB_UNKNOWN");
        get.Headers.ETag.ShouldBeNull();
    }

    [Theory, Promise("P4")]
    [InlineData("flip", null)]
    [InlineData("flip and keep the time", null)]
    [InlineData("replace", null)]
    [InlineData("flip", "bytes=0-9")]
    [InlineData("flip and keep the time", "bytes=-1")]
    public async Task Get_SmallBlobWithWrongBytes_Is404BeforeTheFirstByteUntilPushed(string damage, string? range)
    {
        var content = Samples.Bytes(1, 4000);
        var (digest, path) = await PushAsync(content);
        Damage.Do(damage, _registry.BlobFile(digest));
        using (var got = await _registry.GetAsync(path, range is null ? [] : [("Range", range)]))
            got.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await ShouldBe404Async(path);
        (await OpenIncidentsAsync("blob-corrupt")).ShouldBe(1);
        (await OpenIncidentsAsync("blob-missing")).ShouldBe(0);

        await PushAsync(content);
        (await _registry.Http.GetByteArrayAsync(path)).ShouldBe(content);
        (await OpenIncidentsAsync("blob-corrupt")).ShouldBe(0);
    }

    [Theory, Promise("P4")]
    [InlineData(0)]
    [InlineData(LargeBytes / 2)]
    [InlineData(LargeBytes - 1)]
    public async Task Get_LargeBlobWithAWrongByte_IsCutBeforeItsLastByteAnd404FromThenOn(long at)
    {
        var (digest, path) = await PushAsync(Samples.Bytes(2, LargeBytes));
        Damage.Flip(_registry.BlobFile(digest), at);
        (await CountUntilCutAsync(path)).ShouldBeLessThan(LargeBytes);
        await ShouldBe404Async(path);
        (await OpenIncidentsAsync("blob-corrupt")).ShouldBe(1);
    }

    [Fact, Promise("P4")]
    public async Task Get_BlobChangedWhileItIsSent_IsCut()
    {
        var (digest, path) = await PushAsync(Samples.Bytes(3, LargeBytes));
        using var response = await _registry.Http.GetAsync(new Uri(_registry.Address, path), HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[100]);
        Damage.Flip(_registry.BlobFile(digest), LargeBytes / 2);
        await Should.ThrowAsync<IOException>(() => body.CopyToAsync(Stream.Null));
        await ShouldBe404Async(path);
    }

    [Theory, Promise("P4")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Get_BlobPushedAgainWhileItIsSent_GoesOnToItsEnd(bool verified)
    {
        var content = Samples.Bytes(4, LargeBytes);
        var (_, path) = await PushAsync(content);
        if (!verified)
            await AgeAsync();
        using var response = await _registry.Http.GetAsync(new Uri(_registry.Address, path), HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        var got = new MemoryStream();
        var first = new byte[100];
        await body.ReadExactlyAsync(first);
        got.Write(first);
        await PushAsync(content);
        await body.CopyToAsync(got);
        got.ToArray().AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await _registry.CountAsync("SELECT COUNT(*) FROM incidents")).ShouldBe(0);
    }

    [Fact, Promise("P4")]
    public async Task Get_BlobNotHashedForAPeriod_IsHashedOnTheWayAndRenewed()
    {
        var content = Samples.Bytes(5, 3 << 20);
        var (_, path) = await PushAsync(content);
        await AgeAsync();
        (await _registry.Http.GetByteArrayAsync(path)).ShouldBe(content);
        await Eventually.ShouldBeAsync(
            () => _registry.CountAsync($"SELECT COUNT(*) FROM blobs WHERE verified_at = {_time.GetUtcNow().ToUnixTimeMilliseconds()}"), 1);
        _store.Checks.ShouldBe(0);
    }

    [Fact, Promise("P4")]
    public async Task Get_VerifiedBlob_IsNotHashedAgain()
    {
        var content = Samples.Bytes(6, 400_000);
        var (_, path) = await PushAsync(content);
        for (var i = 0; i < 5; i++)
        {
            using var part = await _registry.GetAsync(path, ("Range", "bytes=10-19"));
            (await part.Content.ReadAsByteArrayAsync()).ShouldBe(content[10..20]);
            (await _registry.Http.GetByteArrayAsync(path)).ShouldBe(content);
        }
        _store.Checks.ShouldBe(0);
    }

    [Fact, Promise("P4")]
    public async Task Get_ManyRangesOfAnUnverifiedBlob_HashItOnce()
    {
        var content = Samples.Bytes(7, 16 << 20);
        var (digest, path) = await PushAsync(content);
        // Touched, so that nobody knows.
        File.SetLastWriteTimeUtc(_registry.BlobFile(digest), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var ranges = Enumerable.Range(0, 100).Select(async i =>
        {
            using var response = await _registry.GetAsync(path, ("Range", $"bytes={i * 1000}-{(i * 1000) + 999}"));
            response.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
            (await response.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(content.AsSpan(i * 1000, 1000)).ShouldBeTrue();
        });
        await Task.WhenAll(ranges);
        _store.Checks.ShouldBe(1);
    }

    [Fact, Promise("P4")]
    public async Task Get_ManyPullsOfALargeWrongBlob_NeverEndWell()
    {
        var (digest, path) = await PushAsync(Samples.Bytes(8, 8 << 20));
        Damage.Flip(_registry.BlobFile(digest), 12345);
        var pulls = Enumerable.Range(0, 16).Select(async i =>
        {
            try
            {
                using var response = await _registry.GetAsync(path, i % 2 == 0 ? [] : [("Range", "bytes=0-99")]);
                response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            }
            catch (HttpRequestException)
            {
                // Cut.
            }
        });
        await Task.WhenAll(pulls);
        (await _registry.CountAsync("SELECT COUNT(*) FROM incidents")).ShouldBe(1);
        await ShouldBe404Async(path);
    }

    [Theory, Promise("P6")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Get_BlobThatCannotBeRead_Is500OrCutAndNeverAbsent(bool verified)
    {
        var (digest, path) = await PushAsync(Samples.Bytes(9, 1000));
        if (!verified)
            await AgeAsync();
        _store.Unreadable.Add(digest);
        if (verified)
        {
            await Should.ThrowAsync<HttpRequestException>(() => _registry.Http.GetByteArrayAsync(path));
        }
        else
        {
            using var get = await _registry.GetAsync(path);
            get.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
            (await get.ErrorAsync()).Code.ShouldBe("STORE_UNREADABLE");
        }
        (await OpenIncidentsAsync("store-unreadable")).ShouldBe(1);
        _store.Unreadable.Clear();
        (await _registry.Http.GetByteArrayAsync(path)).Length.ShouldBe(1000);
    }

    [Fact, Promise("P4")]
    public async Task Get_MissingBlob_IsOneIncidentHoweverOftenItIsAsked()
    {
        var (digest, path) = await PushAsync(Samples.Bytes(10, 1000));
        File.Delete(_registry.BlobFile(digest));
        for (var i = 0; i < 20; i++)
            await ShouldBe404Async(path);
        (await _registry.CountAsync("SELECT seen FROM incidents")).ShouldBe(1);
    }

    [Fact, Promise("P4")]
    public async Task Get_EmptyAndOneByteBlobs_AreVerifiedToo()
    {
        var (_, empty) = await PushAsync([]);
        var (digest, one) = await PushAsync([7]);
        await AgeAsync();
        (await _registry.Http.GetByteArrayAsync(empty)).ShouldBeEmpty();
        (await _registry.Http.GetByteArrayAsync(one)).ShouldBe([7]);
        Damage.Flip(_registry.BlobFile(digest), 0);
        using (var head = await _registry.HeadAsync(one))
            head.StatusCode.ShouldBe(HttpStatusCode.OK); // By size only: nobody knows yet.
        using (var get = await _registry.GetAsync(one))
            get.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await ShouldBe404Async(one);
    }

    [Fact, Promise("P4")]
    public async Task Get_TimeThatLiesAhead_IsBelievedForADay()
    {
        var (_, path) = await PushAsync(Samples.Bytes(11, 100));
        _time.Advance(TimeSpan.FromHours(-23));
        (await _registry.Http.GetByteArrayAsync(path)).Length.ShouldBe(100);
        _store.Checks.ShouldBe(0);
        _time.Advance(TimeSpan.FromHours(-2));
        (await _registry.Http.GetByteArrayAsync(path)).Length.ShouldBe(100);
        _store.Checks.ShouldBe(1);
    }

    [Theory, Promise("P4")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Manifest_WrongCopy_IsMendedByAPullAndBothWrongIs404(bool both)
    {
        var manifest = await _registry.PushImageAsync("app", "v1", 20);
        var digest = Samples.DigestOf(manifest);
        await _registry.ChangeAsync("UPDATE manifest_payloads SET payload = zeroblob(length(payload))");
        if (both)
            Damage.Do("flip", _registry.BlobFile(digest));
        await _registry.RestartAsync(); // Without the memory of it.
        using (var got = await _registry.GetAsync("/v2/app/manifests/v1"))
        {
            got.StatusCode.ShouldBe(both ? HttpStatusCode.NotFound : HttpStatusCode.OK);
            if (!both)
                (await got.Content.ReadAsByteArrayAsync()).ShouldBe(manifest);
        }
        (await OpenIncidentsAsync("manifest-missing")).ShouldBe(both ? 1 : 0);
        (await _registry.CountAsync("SELECT COUNT(*) FROM incidents WHERE kind = 'manifest-copy' AND healed_by = 'blob store'")).ShouldBe(both ? 0 : 1);
        if (both)
            await _registry.PushImageAsync("app", "v1", 20);
        await _registry.RestartAsync();
        (await _registry.Http.GetByteArrayAsync("/v2/app/manifests/v1")).ShouldBe(manifest);
        (await _registry.CountAsync("SELECT COUNT(*) FROM incidents WHERE healed_at IS NULL")).ShouldBe(0);
    }

    private async Task<long> CountUntilCutAsync(string path)
    {
        using var response = await _registry.Http.GetAsync(new Uri(_registry.Address, path), HttpCompletionOption.ResponseHeadersRead);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[1 << 20];
        var count = 0L;
        await Should.ThrowAsync<IOException>(async () =>
        {
            int read;
            while ((read = await body.ReadAsync(buffer)) > 0)
                count += read;
        });
        return count;
    }
}
