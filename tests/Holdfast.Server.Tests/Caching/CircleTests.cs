using System.Text;
using Holdfast.Client;
using Holdfast.Server.Tests.Heal;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Caches that fill each other.</summary>
public sealed class CircleTests
{
    public static TheoryData<string> Paths =>
    [
        $"/v2/{CachingLab.Repository}/manifests/v1",
        $"/v2/{CachingLab.Repository}/manifests/{Samples.DigestOf([1])}",
        $"/v2/{CachingLab.Repository}/blobs/{Samples.DigestOf([1])}",
        $"/v2/{CachingLab.Repository}/tags/list",
        $"/v2/{CachingLab.Repository}/referrers/{Samples.DigestOf([1])}",
    ];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task TwoServers_ThatFillEachOther_Answer508AtOnceAndBothSayWhy(string path)
    {
        await using var lab = await CachingLab.StartAsync();
        await using var back = FaultProxy.Start(lab.Server.Address);
        await using var other = await StartCacheAsync("other", back);
        lab.Proxy.Upstream = other.Address;

        // Sooner than any timeout.
        var (status, body, _) = await lab.PullAsync(path).WaitAsync(TimeSpan.FromSeconds(8));
        ((int)status).ShouldBe(508);
        Encoding.UTF8.GetString(body).ShouldContain($"correct upstream.url under registries.{lab.Name}");
        lab.Proxy.Requests.Count.ShouldBe(1);
        back.Requests.Count.ShouldBe(1);
        (await lab.IncidentAsync("upstream", lab.Name)).Detail.ShouldContain("upstream.url");
        await Eventually.ShouldBeAsync(async () => (await other.IncidentsAsync("state=open&kind=upstream")).Incidents.Count(incident => incident.Subject == "other"), 1);
        (await other.IncidentsAsync("state=open&kind=upstream")).Incidents.ShouldHaveSingleItem().Detail.ShouldContain("upstream.url");
    }

    [Fact]
    public async Task Chain_OfCaches_PassesOnItsOwnNamesAlone()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await using var between = FaultProxy.Start(lab.Server.Address);
        await using var edge = await StartCacheAsync("edge", between);
        using var response = await edge.GetAsync(lab.Blob(image.Layer), ("Via", "1.1 proxy.internal, 1.0 holdfast-of-somebody-else"));
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(image.Layer);
        between.Requests.ShouldHaveSingleItem().Header("Via").ShouldMatch("^1.1 holdfast-of-somebody-else, 1.1 holdfast-[0-9a-f]{32}-edge$");
        lab.Proxy.Requests.ShouldHaveSingleItem().Header("Via").ShouldMatch($"^1.1 holdfast-of-somebody-else, 1.1 holdfast-[0-9a-f]{{32}}-edge, 1.1 holdfast-[0-9a-f]{{32}}-{lab.Name}$");
        // The next request is somebody else's.
        (await edge.GetAsync(lab.Manifest(image.Digest))).Dispose();
        between.Requests.Last().Header("Via").ShouldMatch("^1.1 holdfast-[0-9a-f]{32}-edge$");
    }

    [Fact]
    public async Task Chain_WithoutEnd_Is508()
    {
        await using var lab = await CachingLab.StartAsync();
        var via = string.Join(", ", Enumerable.Range(0, ViaChain.MaxLength + 1).Select(static i => $"1.1 holdfast-{i}"));
        using var response = await lab.Server.GetAsync(lab.Manifest("v1"), ("Via", via));
        ((int)response.StatusCode).ShouldBe(508);
        lab.Proxy.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.1 holdfast-")]
    [InlineData("1.1 holdfast-a(b), , ,,1.1")]
    public async Task Via_ThatIsNotOurs_IsPassedOver(string via)
    {
        ViaChain.Read([via, null]).ShouldAllBe(static name => name == "holdfast-");
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        using var response = await lab.Server.GetAsync(lab.Manifest("v1"), ("Via", via));
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(image.Manifest);
    }

    private static async Task<RegistryFixture> StartCacheAsync(string name, FaultProxy upstream)
    {
        var server = new RegistryFixture();
        server.Options = server.Options with
        {
            Listeners = [CachingLab.Listener(name)],
            Registries = [new RegistryOptions { Name = name, Cache = new CacheOptions { Upstream = new UpstreamOptions { Urls = [upstream.Address], Namespace = $"{name}.example" } } }],
        };
        await server.StartAsync();
        return server;
    }
}
