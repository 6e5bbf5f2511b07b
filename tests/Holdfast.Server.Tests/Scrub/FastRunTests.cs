using Holdfast.Server.Scrub;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

/// <summary>The look at everything that reads next to nothing.</summary>
public sealed class FastRunTests : ScrubbedStores
{
    private Task<ScrubReport> RunAsync() => new FastRun(Stores, Scrub.Inspection, Time).RunAsync(_ => default, CancellationToken.None);

    [Fact]
    public async Task Run_OfAWholeStore_ReadsNothing()
    {
        for (var seed = 0; seed < 70; seed++)
            await PushImageAsync(seed);
        var report = await RunAsync();
        (report.Unread, report.Blobs, report.Bytes, report.Dangling, report.FoundDamage).ShouldBe((210, 0, 0, 0, false));
    }

    [Theory, Promise("P8")]
    [InlineData("remove", 1, 0)]
    [InlineData("truncate", 0, 1)]
    [InlineData("flip and keep the time", 0, 1)]
    [InlineData("replace", 0, 1)]
    public async Task Run_WithADamagedFile_InspectsThatOneAlone(string damage, long missing, long corrupt)
    {
        await PushImageAsync(1);
        var digest = await PushAsync(Samples.Bytes(7, 300));
        Damage.Do(damage, FileOf(digest));

        var report = await RunAsync();
        (report.Unread, report.Blobs).ShouldBe((3, 1));
        // One of another size is read as well, or known to be wrong without: either will do.
        (report.Missing + report.Corrupt).ShouldBe(missing + corrupt);
        report.Findings.ShouldHaveSingleItem().Digest.ShouldBe(digest.ToString());
        (await OpenIncidentsAsync()).ShouldHaveSingleItem().Subject.ShouldBe(digest.ToString());
    }

    [Fact, Promise("P8")]
    public async Task Run_WithLostEdges_WritesThemAnew()
    {
        await PushImageAsync(1);
        await PushImageAsync(2);
        await ExecuteAsync("DELETE FROM manifest_blobs WHERE manifest_id = 1 AND kind = 1");
        var report = await RunAsync();
        (report.Dangling, report.FoundDamage).ShouldBe((0, false));
        (await CountAsync("SELECT COUNT(*) FROM manifest_blobs")).ShouldBe(4);
    }

    [Fact, Promise("P8")]
    public async Task Run_WithEdgesThatCannotBeMended_NamesTheManifest()
    {
        var digest = await PushImageAsync(1);
        await PushImageAsync(2, "other");
        await ExecuteAsync("DELETE FROM manifest_blobs WHERE repository_id = 1; DELETE FROM leases WHERE repository_id = 1; DELETE FROM links WHERE repository_id = 1");
        var report = await RunAsync();
        (report.Dangling, report.FoundDamage).ShouldBe((1, true));
        report.Findings.ShouldBe([new ScrubFinding(digest.ToString(), "dangling")]);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.DanglingEdge, digest.ToString())]);
    }

    [Theory, Promise("P8")]
    [InlineData("UPDATE manifest_payloads SET payload = X'7B7D'")]
    [InlineData("DELETE FROM manifest_payloads")]
    public async Task Run_WithAWrongCopyInTheDatabase_MendsItFromTheFile(string harm)
    {
        await PushImageAsync(1);
        await ExecuteAsync(harm);
        (await RunAsync()).FoundDamage.ShouldBeFalse();
        (await CountAsync("SELECT COUNT(*) FROM manifest_payloads p JOIN blobs b ON b.id = p.blob_id WHERE length(p.payload) = b.size")).ShouldBe(1);
    }

    [Fact]
    public async Task Run_WithEdgesThatNoManifestStates_FindsThem()
    {
        await PushImageAsync(1);
        await PushImageAsync(2);
        await ExecuteAsync("INSERT INTO manifest_blobs (manifest_id, repository_id, blob_id, kind) SELECT 1, 1, blob_id, 2 FROM manifest_blobs WHERE manifest_id = 2 AND kind = 2");
        await RunAsync();
        (await CountAsync("SELECT COUNT(*) FROM manifest_blobs WHERE manifest_id = 1")).ShouldBe(2);
    }
}
