using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

public sealed class HashWalkTests : ScrubbedStores
{
    // As a bad sector would: the file's times say nothing.
    private async Task HideAsync(Digest digest)
    {
        Damage.Do("flip", FileOf(digest));
        var stamp = (await Blobs.FindStatusAsync(digest, CancellationToken.None))!.Value.Stamp;
        await Stores.Metadata.WriteAsync(
            (digest, stamp),
            static (db, s) => db.Prepare("UPDATE blobs SET stamp = @stamp WHERE digest = @digest").Set("@stamp", s.stamp).Set("@digest", s.digest).Execute(),
            CancellationToken.None);
    }

    [Fact, Promise("P4")]
    public async Task Manifest_WhoseEdgesTheDatabaseLost_HasThemAgainAfterACheck()
    {
        var digest = await PushImageAsync(1);
        await ExecuteAsync("UPDATE manifests SET media_type = 'lost:' || media_type; DELETE FROM manifest_blobs");
        (await Checks.Copies.MendAsync(digest, CancellationToken.None)).Verdict.ShouldBe(BlobVerdict.Right);
        (await CountAsync("SELECT COUNT(*) FROM manifests WHERE media_type = 'application/vnd.oci.image.manifest.v1+json'")).ShouldBe(1);
        (await CountAsync("SELECT COUNT(*) FROM manifest_blobs")).ShouldBe(2);
    }

    [Fact, Promise("P5")]
    public async Task Pull_OfAConfigWhileLayersAreHashed_DoesNotWaitForThem()
    {
        var ended = new TaskCompletionSource();
        var large = new List<Digest>();
        for (var i = 0; i < 5; i++)
            large.Add(await PushAsync(Samples.Bytes(i, 300_000)));
        var config = await PushAsync(Samples.Bytes(9, 300));
        Blobs.OnCheck = digest => digest == config ? Task.CompletedTask : ended.Task;
        var layers = large.Select(Checks.Verifier.VerifyAsync).ToList();
        (await Checks.Verifier.VerifyAsync(config).WaitAsync(TimeSpan.FromSeconds(20))).Verdict.ShouldBe(BlobVerdict.Right);
        ended.SetResult();
        foreach (var layer in layers)
            (await layer).Verdict.ShouldBe(BlobVerdict.Right);
    }

    [Fact, Promise("P4"), Promise("P8")]
    public async Task Walk_BytesThatRotted_AreFoundWithinHalfAPeriod()
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        await HideAsync(digest);
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        Time.Advance(TimeSpan.FromDays(3.6));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.BlobCorrupt, digest.ToString())]);
    }

    [Fact, Promise("P4")]
    public async Task Walk_ReadOnceWrongThenRight_IsNotBelieved()
    {
        var content = Samples.Bytes(1, 400);
        var digest = await PushAsync(content);
        await HideAsync(digest);
        Time.Advance(TimeSpan.FromDays(4));
        // The second time the right bytes are there again, as after a transient error.
        Blobs.OnCheck = _ =>
        {
            if (Blobs.Checks == 2)
                Damage.Flip(FileOf(digest), content.Length / 2);
            return Task.CompletedTask;
        };
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        (await File.ReadAllBytesAsync(FileOf(digest))).ShouldBe(content);
    }

    [Fact, Promise("P4")]
    public async Task Walk_PushWhileWrongBytesAreHashed_IsNeverQuarantined()
    {
        var content = Samples.Bytes(1, 400);
        var digest = await PushAsync(content);
        await HideAsync(digest);
        Time.Advance(TimeSpan.FromDays(4));
        Blobs.OnCheck = async _ =>
        {
            if (Blobs.Checks == 2)
                await PushAsync(content);
        };
        await CheckAllAsync();
        (await File.ReadAllBytesAsync(FileOf(digest))).ShouldBe(content);
        Directory.GetFiles(Quarantine).ShouldBeEmpty();
        (await OpenIncidentsAsync()).ShouldBeEmpty();
    }

    [Fact, Promise("P6")]
    public async Task Walk_UnreadableBlob_IsAnIncidentAndStays()
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        var after = await PushAsync(Samples.Bytes(2, 400));
        Blobs.Unreadable.Add(digest);
        Time.Advance(TimeSpan.FromDays(4));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.StoreUnreadable, digest.ToString())]);
        File.Exists(FileOf(digest)).ShouldBeTrue();
        // The walk went on behind it, and sweeps don't have it read again and again.
        (await CountAsync($"SELECT COUNT(*) FROM blobs WHERE verified_at > 0")).ShouldBe(1);
        var checks = Blobs.Checks;
        await Scrub.Sweep.RunAsync(CancellationToken.None);
        Scrub.Sweep.Suspects.Count.ShouldBe(0);
        Blobs.Checks.ShouldBe(checks);

        Blobs.Unreadable.Clear();
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        File.Exists(FileOf(after)).ShouldBeTrue();
    }

    [Fact, Promise("P8")]
    public async Task Walk_CutOffByARestart_GoesOnBehindWhatItHad()
    {
        var digests = new List<Digest>();
        for (var i = 0; i < 10; i++)
            digests.Add(await PushAsync(Samples.Bytes(i, 100)));
        Time.Advance(TimeSpan.FromDays(4));
        // Unreadable ones stay in doubt, and would be the first again in a walk that began anew.
        Blobs.Unreadable.UnionWith(digests[..4]);
        for (var i = 0; i < 5; i++)
        {
            (await Scrub.Walk.StepAsync(CancellationToken.None)).ShouldBeTrue();
            Time.Advance(TimeSpan.FromSeconds(20));
        }
        await CloseAsync();
        await OpenAsync();
        while (await Scrub.Walk.StepAsync(CancellationToken.None))
        {
        }
        Blobs.Checks.ShouldBe(5);
        (await CountAsync("SELECT COUNT(*) FROM blobs WHERE verified_at = 0")).ShouldBe(4);
    }

    [Fact]
    public async Task Walk_WithinHalfAPeriod_ReadsNothing()
    {
        await PushAsync(Samples.Bytes(1, 100));
        Time.Advance(TimeSpan.FromDays(3));
        await CheckAllAsync();
        Blobs.Checks.ShouldBe(0);
    }

    [Fact]
    public async Task Walk_TimesThatLieAhead_AreNotBelieved()
    {
        await PushAsync(Samples.Bytes(1, 100));
        await ExecuteAsync("UPDATE blobs SET verified_at = verified_at + 2 * 86400000");
        await CheckAllAsync();
        Blobs.Checks.ShouldBe(1);
    }

    [Fact, Promise("P4")]
    public async Task Manifest_WrongFile_IsMendedFromTheDatabase()
    {
        var digest = await PushImageAsync(1);
        var right = await File.ReadAllBytesAsync(FileOf(digest));
        Damage.Do("flip", FileOf(digest));
        await CheckAllAsync();
        (await File.ReadAllBytesAsync(FileOf(digest))).ShouldBe(right);
        await ShouldBeHealedAsync("database");
    }

    [Fact, Promise("P4")]
    public async Task Manifest_MissingFile_IsMendedByTheSweep()
    {
        var digest = await PushImageAsync(1);
        var right = await File.ReadAllBytesAsync(FileOf(digest));
        File.Delete(FileOf(digest));
        await Scrub.Sweep.RunAsync(CancellationToken.None);
        (await File.ReadAllBytesAsync(FileOf(digest))).ShouldBe(right);
        await ShouldBeHealedAsync("database");
    }

    [Fact, Promise("P4")]
    public async Task Manifest_WrongPayload_IsMendedFromTheBlobStore()
    {
        var digest = await PushImageAsync(1);
        await ExecuteAsync("UPDATE manifest_payloads SET payload = zeroblob(length(payload))");
        Time.Advance(TimeSpan.FromDays(4));
        await CheckAllAsync();
        var payload = await Stores.Metadata.ReadAsync(digest, static (db, digest) => Storage.Metadata.Manifests.ReadPayload(db, digest), CancellationToken.None);
        Samples.DigestOf(payload!).ShouldBe(digest);
        await ShouldBeHealedAsync("blob store");
    }

    [Fact, Promise("P4")]
    public async Task Manifest_BothCopiesWrong_IsMissingUntilPushedAgain()
    {
        var digest = await PushImageAsync(1);
        await ExecuteAsync("UPDATE manifest_payloads SET payload = zeroblob(length(payload))");
        Damage.Do("flip", FileOf(digest));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.ManifestMissing, digest.ToString())]);
        await PushImageAsync(1);
        (await OpenIncidentsAsync()).ShouldBeEmpty();
    }

    [Theory, Promise("P8")]
    [InlineData("DELETE FROM manifest_blobs WHERE kind = 2", 0)]
    [InlineData("DELETE FROM manifest_blobs; DELETE FROM leases; DELETE FROM links", 1)]
    public async Task Manifest_EdgesThatAreNotThoseOfItsBytes_AreRecordedAnewIfAllIsThere(string damage, int open)
    {
        await PushImageAsync(1);
        await ExecuteAsync(damage);
        Time.Advance(TimeSpan.FromDays(4));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).Count.ShouldBe(open);
        (await CountAsync("SELECT COUNT(*) FROM incidents WHERE kind = 'dangling-edge'")).ShouldBe(1);
        (await CountAsync("SELECT COUNT(*) FROM manifest_blobs")).ShouldBe(open == 0 ? 2 : 0);
    }

    [Fact, Promise("P8")]
    public async Task Overdue_CheckThatDoesNotEnd_IsAnIncidentUntilItDoes()
    {
        var overdue = new OverdueChecks(Stores, Scrub.Expected, Checks.Findings.Incidents, new StoreTime(Time));
        var open = Checks.Findings.Incidents.Open;
        await CheckAllAsync();
        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        Time.Advance(TimeSpan.FromMinutes(4));
        await overdue.RunAsync(CancellationToken.None);
        await Eventually.ShouldBeAsync(() => open.Of(IncidentKind.CheckOverdue), 1);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.CheckOverdue, "sweep")]);
        await Scrub.Sweep.RunAsync(CancellationToken.None);
        await overdue.RunAsync(CancellationToken.None);
        await Eventually.ShouldBeAsync(() => open.Of(IncidentKind.CheckOverdue), 0);
        (await OpenIncidentsAsync()).ShouldBeEmpty();
    }

    private async Task ShouldBeHealedAsync(string by)
    {
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        (await CountAsync($"SELECT COUNT(*) FROM incidents WHERE kind = 'manifest-copy' AND healed_by = '{by}'")).ShouldBe(1);
        (await CountAsync("SELECT COUNT(*) FROM blobs WHERE verified_at = 0")).ShouldBe(0);
        await CheckAllAsync();
        (await CountAsync("SELECT COUNT(*) FROM incidents")).ShouldBe(1);
    }
}
