using System.Net;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Caches on a disk that they share with what was pushed, and have filled.</summary>
public sealed class CacheDiskTests
{
    private const int ImageBytes = 4_000_000;
    private const long ReserveBytes = 8_000_000;

    /// <summary>Without a bound of their own, caches take up the disk to its reserve: what can be fetched again goes before a push is refused.</summary>
    [Theory, Promise("P10")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Push_OntoADiskThatCachesHaveFilled_IsTaken(bool saysLength)
    {
        await using var lab = await CachingLab.StartAsync();
        await using var disk = await StartFilledAsync(lab, TimeProvider.System);
        var blob = Samples.Bytes(77, 9_000_000);
        using HttpContent body = saysLength ? new ByteArrayContent(blob) : new UnknownLength(blob);
        using var pushed = await disk.Registry.Http.PostAsync(new Uri(disk.Registry.Addresses[1], $"/v2/mine/blobs/uploads/?digest={Samples.DigestOf(blob)}"), body);
        pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await disk.Registry.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBeGreaterThan(0, "all of the cache is gone for one push");
    }

    /// <summary>What is new takes the place of what was not used for long, also where the disk is the only bound.</summary>
    [Fact]
    public async Task Image_OntoADiskThatIsFullOfOlderOnes_IsKeptAfterAMinute()
    {
        await using var lab = await CachingLab.StartAsync();
        var time = new RunningTime();
        await using var disk = await StartFilledAsync(lab, time);
        var image = await lab.PushAsync("new", 99, ImageBytes);
        await Eventually.ShouldBeAsync(
            async () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                (await disk.Registry.Http.GetByteArrayAsync(lab.Manifest("new"))).ShouldBe(image.Manifest);
                (await disk.Registry.Http.GetByteArrayAsync(lab.Blob(image.Layer))).AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
                return await disk.Registry.CountAsync($"SELECT COUNT(*) FROM links l JOIN blobs b ON b.id = l.blob_id WHERE b.digest = {CachingLab.Literal(image.Layer)}");
            },
            1);
    }

    /// <summary>Nothing of the caches goes for what would not fit either way.</summary>
    [Fact, Promise("P10")]
    public async Task Push_ThatStatesMoreThanThereCouldBe_EmptiesNoCache()
    {
        await using var lab = await CachingLab.StartAsync();
        await using var disk = await StartFilledAsync(lab, TimeProvider.System);
        var before = await disk.Registry.CountAsync("SELECT COUNT(*) FROM manifests");
        foreach (var length in new[] { 1L << 30, long.MaxValue })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(disk.Registry.Addresses[1], $"/v2/mine/blobs/uploads/?digest={Samples.DigestOf([1])}"));
            request.Content = new ByteArrayContent([1]) { Headers = { ContentLength = length } };
            request.Headers.ExpectContinue = true;
            try
            {
                using var refused = await disk.Registry.Http.SendAsync(request);
                refused.StatusCode.ShouldBe(HttpStatusCode.InsufficientStorage);
            }
            catch (HttpRequestException)
            {
                // The body is not as long as was stated.
            }
        }
        (await disk.Registry.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBe(before);
    }

    /// <summary>Another repository has the bytes, and there is no room to write down that this one has them too.</summary>
    [Fact, Promise("P10")]
    public async Task Blob_OfAnotherRepository_OnADatabaseThatTakesNoWrites_ComesThrough()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 100_000);
        using var pushed = await lab.Http.PostAsync(new Uri(lab.Server.Addresses[1], $"/v2/mine/blobs/uploads/?digest={Samples.DigestOf(image.Layer)}"), new ByteArrayContent(image.Layer));
        pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        await lab.Server.ChangeAsync("CREATE TRIGGER full BEFORE INSERT ON links BEGIN SELECT RAISE(ABORT, 'no room'); END");
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.Server.ChangeAsync("DROP TRIGGER full");
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.ShouldBeKeptAsync(image.Layer);
    }

    private static async Task<SmallDisk> StartFilledAsync(CachingLab lab, TimeProvider time)
    {
        var disk = await SmallDisk.StartAsync(ReserveBytes, time, options => options with
        {
            Listeners = [CachingLab.Listener("hub"), CachingLab.Listener("own")],
            Registries = [new RegistryOptions { Name = "hub", Cache = lab.Server.Options.Registries[1].Cache }, new RegistryOptions { Name = "own" }],
            Collection = new CollectionOptions { MaxReviewsPerSecond = int.MaxValue },
        });
        for (var i = 1; i <= 12; i++)
        {
            var image = await lab.PushAsync($"v{i}", i, ImageBytes);
            (await disk.Registry.Http.GetByteArrayAsync(lab.Manifest($"v{i}"))).ShouldBe(image.Manifest);
            (await disk.Registry.Http.GetByteArrayAsync(lab.Blob(image.Layer))).AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        }
        disk.FreeBytes.ShouldBeLessThan(ReserveBytes + ImageBytes);
        return disk;
    }

    private sealed class UnknownLength(byte[] bytes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
