using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

/// <summary>A manifest whose edges the database has lost: what ends that, and what only looks as if it did.</summary>
public sealed class DanglingEdgeTests : ScrubbedStores
{
    private const string Lost = "DELETE FROM manifest_blobs WHERE repository_id = 1; DELETE FROM leases WHERE repository_id = 1; DELETE FROM links WHERE repository_id = 1";

    [Fact, Promise("P3")]
    public async Task PushedAgain_WithoutAWordOfTheScrub_HasItsEdgesAgain()
    {
        await PushImageAsync(1);
        await ExecuteAsync("DELETE FROM manifest_blobs");
        await PushImageAsync(1);
        (await CountAsync("SELECT COUNT(*) FROM manifest_blobs")).ShouldBe(2, "else the collection takes the layers");
    }

    [Fact, Promise("P8")]
    public async Task Incident_EndsWithThePushThatMendsItAndWithNoOther()
    {
        var digest = await PushImageAsync(1);
        await PushImageAsync(1, "other");
        await ExecuteAsync(Lost);
        Time.Advance(TimeSpan.FromDays(4));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.DanglingEdge, digest.ToString())]);

        await PushAsync(Samples.Image(Samples.Bytes(1, 50), Samples.Bytes(100_001, 500)), "other");
        (await OpenIncidentsAsync()).Count.ShouldBe(1, "its bytes as a blob mend no edge");
        await PushImageAsync(1, "other");
        (await OpenIncidentsAsync()).Count.ShouldBe(1, "it dangles in another repository");
        await PushImageAsync(1);
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        (await CountAsync("SELECT COUNT(*) FROM manifest_blobs")).ShouldBe(4);
    }
}
