using System.Net;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>What a pushing client is told is there, is held for it.</summary>
public sealed class LeaseTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact, Promise("P3")]
    public async Task Head_OfABlobByOneWhoMayPush_TakesALeaseWhenLessThanHalfIsLeft()
    {
        var time = new ManualTime();
        await using var registry = await StartAsync(time);
        var digest = await registry.PushBlobAsync("lease", [1, 2, 3]);
        var first = await registry.CountAsync("SELECT taken_at FROM leases");

        time.Advance(30 * Minute);
        await ShouldBeThereAsync(registry, $"/v2/lease/blobs/{digest}");
        (await registry.CountAsync("SELECT taken_at FROM leases")).ShouldBe(first, "half of it is left: no write");
        time.Advance(Minute);
        using (var get = await registry.GetAsync($"/v2/lease/blobs/{digest}"))
            get.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await registry.CountAsync("SELECT taken_at FROM leases")).ShouldBe(first, "who gets the bytes needs no lease");
        await ShouldBeThereAsync(registry, $"/v2/lease/blobs/{digest}");
        (await registry.CountAsync("SELECT taken_at FROM leases")).ShouldBe(first + (long)(31 * Minute).TotalMilliseconds);
    }

    [Fact, Promise("P3")]
    public async Task Head_OfABlobByOneWhoMayOnlyPull_TakesNone()
    {
        var time = new ManualTime();
        await using var access = new AccessFixture();
        access.Registry.Time = time;
        await access.InitializeAsync();
        var digest = Samples.DigestOf([1, 2, 3]);
        using (var push = await access.SendAsync("alice", HttpMethod.Post, $"/v2/team/app/blobs/uploads/?digest={digest}", [1, 2, 3]))
            push.StatusCode.ShouldBe(HttpStatusCode.Created);
        var first = await access.Registry.CountAsync("SELECT taken_at FROM leases");
        time.Advance(50 * Minute);
        foreach (var (user, renewed) in new[] { ("bob", false), ("alice", true) })
        {
            using var head = await access.SendAsync(user, HttpMethod.Head, $"/v2/team/app/blobs/{digest}");
            head.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await access.Registry.CountAsync("SELECT taken_at FROM leases") > first).ShouldBe(renewed, user);
        }
    }

    [Theory, Promise("P3")]
    [InlineData("HEAD")]
    [InlineData("GET")]
    public async Task Look_AtAManifestThatWaitsToBeReviewed_BeginsItsGraceAgain(string method)
    {
        var time = new ManualTime();
        await using var registry = await StartAsync(time);
        var child = await registry.PushImageAsync("lease", null, 1);
        var index = await registry.PushManifestAsync("lease", "v1", Samples.Index(child), Oci.MediaTypes.OciIndex);
        (await registry.DeleteAsync($"/v2/lease/manifests/{index}")).Dispose();
        var queued = await registry.CountAsync("SELECT queued_at FROM manifest_reviews WHERE manifest_id = (SELECT MIN(id) FROM manifests)");
        using var look = await registry.SendAsync(new HttpMethod(method), $"/v2/lease/manifests/{Samples.DigestOf(child)}");
        (await registry.CountAsync("SELECT queued_at FROM manifest_reviews WHERE manifest_id = (SELECT MIN(id) FROM manifests)")).ShouldBe(queued, "most of it is left: no write");
        time.Advance(TimeSpan.FromHours(13));
        using var again = await registry.SendAsync(new HttpMethod(method), $"/v2/lease/manifests/{Samples.DigestOf(child)}");
        again.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await registry.CountAsync("SELECT queued_at FROM manifest_reviews WHERE manifest_id = (SELECT MIN(id) FROM manifests)")).ShouldBe(queued + (long)TimeSpan.FromHours(13).TotalMilliseconds);
    }

    // The clock stands between two moves, so the server's own collection doesn't come in between.
    private static async Task<RegistryFixture> StartAsync(TimeProvider time)
    {
        var registry = new RegistryFixture { Time = time };
        registry.Options = registry.Options with { Collection = new CollectionOptions { Interval = TimeSpan.FromDays(10_000) } };
        await registry.InitializeAsync();
        return registry;
    }

    private static async Task ShouldBeThereAsync(RegistryFixture registry, string path)
    {
        using var head = await registry.HeadAsync(path);
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
