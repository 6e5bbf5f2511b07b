using System.Text;
using Holdfast.Oci;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>Against our own server, with every kind of access that it offers.</summary>
public class RealRegistryTests(RealRegistry registry) : IClassFixture<RealRegistry>
{
    public static TheoryData<string, bool> Accesses => new() { { "open", false }, { "open", true }, { "basic", true }, { "bearer", true }, { "anonymous", false }, { "anonymous", true } };

    [Theory]
    [MemberData(nameof(Accesses))]
    public async Task DownloadBlob_WithEachAccess_HandsOnTheBytes(string kind, bool withUser)
    {
        using var client = Samples.Client(registry.Address(kind), withUser);

        var (answer, received) = await client.DownloadAsync(Samples.DigestOf(registry.Layer), registry.Layer.Length);

        answer.Failure.ShouldBeNull();
        answer.Value.ShouldBe(registry.Layer.Length);
        received.ShouldBe(registry.Layer);
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public async Task GetManifest_WithEachAccess_GivesTheBytesAsPushed(string kind, bool withUser)
    {
        using var client = Samples.Client(registry.Address(kind), withUser);

        var byTag = await client.GetManifestAsync(Samples.Repository, Tag.Parse("latest"), CancellationToken.None);
        var byDigest = await client.GetManifestAsync(Samples.Repository, byTag.Value.Digest, CancellationToken.None);

        byDigest.Failure.ShouldBeNull();
        byDigest.Value.Payload.ToArray().ShouldBe(registry.Image);
        byDigest.Value.MediaType.ShouldBe(MediaTypes.OciManifest);
        byTag.Value.Digest.ShouldBe(Samples.DigestOf(registry.Image));
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public async Task Unknown_WithEachAccess_IsUnknown(string kind, bool withUser)
    {
        using var client = Samples.Client(registry.Address(kind), withUser);
        var absent = Samples.DigestOf(Encoding.UTF8.GetBytes("never pushed"));

        (await client.HeadBlobAsync(Samples.Repository, absent, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unknown);
        (await client.DownloadAsync(absent)).Answer.Outcome.ShouldBe(RegistryOutcome.Unknown);
        (await client.GetManifestAsync(Samples.Repository, absent, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unknown);
        (await client.ListTagsAsync(RepositoryName.Parse("no/such"), CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unknown);
    }

    [Theory]
    [InlineData("basic")]
    [InlineData("bearer")]
    public async Task Asked_WithoutCredentials_IsDenied(string kind)
    {
        using var client = Samples.Client(registry.Address(kind));

        (await client.HeadBlobAsync(Samples.Repository, Samples.DigestOf(registry.Layer), CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Denied);
        (await client.ListTagsAsync(Samples.Repository, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Denied);
    }

    [Theory]
    [InlineData("basic")]
    [InlineData("bearer")]
    public async Task Asked_WithAWrongPassword_IsDeniedAndNamesNoPassword(string kind)
    {
        using var client = new RegistryClient(new RegistryClientOptions { Registry = registry.Address(kind), Username = Samples.User, Password = "wr0ng" });

        var failure = (await client.GetManifestAsync(Samples.Repository, Tag.Parse("latest"), CancellationToken.None)).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Denied);
        failure.Detail.ShouldNotContain("wr0ng");
    }

    [Fact]
    public async Task ListTags_OfMoreThanAPage_GivesAllOfThem()
    {
        using var client = Samples.Client(registry.Address("bearer"), withUser: true);

        var tags = (await client.ListTagsAsync(Samples.Repository, CancellationToken.None)).Value;

        tags.Count.ShouldBe(RealRegistry.MoreThanAPage + 1);
        tags.Distinct().Count().ShouldBe(RealRegistry.MoreThanAPage + 1);
        tags[0].ShouldBe(Tag.Parse("latest"));
    }

    [Fact]
    public async Task HeadBlob_OfABlob_GivesItsSize()
    {
        using var client = Samples.Client(registry.Address("open"));

        (await client.HeadBlobAsync(Samples.Repository, Samples.DigestOf(registry.Layer), CancellationToken.None)).Value.SizeBytes.ShouldBe(registry.Layer.Length);
    }

    [Fact]
    public async Task Registry_WithAPath_PutsItBeforeTheName()
    {
        using var client = Samples.Client(new Uri(registry.Address("open"), "/team/"));

        (await client.GetManifestAsync(RepositoryName.Parse("app"), Tag.Parse("latest"), CancellationToken.None)).Failure.ShouldBeNull();
    }
}
