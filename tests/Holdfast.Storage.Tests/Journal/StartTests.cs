using Holdfast.Oci;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>Every way in which database and journal can be found not to fit, and what a start makes of it.</summary>
public sealed class StartTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly JournaledStore _store = new();

    public async ValueTask InitializeAsync() => await _store.OpenAsync();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Start_NewFolder_BeginsAJournalForTheOwnerAlone()
    {
        await _store.PushImageAsync("a", "latest");
        var file = Directory.GetFiles(_store.Journal).ShouldHaveSingleItem();
        Path.GetFileName(file).ShouldBe("00000000000000000001.log");
        File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var lines = await File.ReadAllLinesAsync(file, None);
        lines[0][9..].ShouldStartWith("{\"store\":\"");
        lines[1][9..].ShouldStartWith("{\"seq\":1,\"at\":");
        lines[1].ShouldContain("\"op\":\"link\",\"registry\":\"main\",\"repository\":\"team/app\"");
        lines.Length.ShouldBe(1 + 3);
    }

    [Fact]
    public async Task Start_Again_SaysNothingAndGoesOnInTheSameFile()
    {
        await _store.PushImageAsync("a", "latest");
        await RestartAsync(quietly: true);
        await _store.PushImageAsync("b", "latest");
        await RestartAsync(quietly: true);
        JournalScan.Read(_store.Journal).Last.ShouldBe(6);
        Directory.GetFiles(_store.Journal).ShouldHaveSingleItem();
    }

    [Theory, Promise("P1")]
    [InlineData("removed")]
    [InlineData("emptied")]
    [InlineData("truncated")]
    [InlineData("no database")]
    [InlineData("overwritten")]
    public async Task Start_DatabaseLost_IsRebuiltAndSaysSo(string how)
    {
        await _store.PushIndexAsync([await _store.PushImageAsync("a", "v1"), await _store.PushImageAsync("b")], "latest");
        await _store.DeleteTagAsync("v1");
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        Damage(how);

        var findings = await _store.OpenAsync();
        findings.Rebuilt.ShouldNotBeNull().IsComplete.ShouldBeTrue();
        (await _store.DumpAsync()).ShouldBe(before);
        findings.Warnings.ShouldHaveSingleItem().ShouldContain("it was rebuilt from the journal: 3 manifests and 1 tag in 1 repository");
        (await OpenIncidentAsync()).Detail.ShouldBe(findings.Warnings[0]);
        Directory.GetFiles(_store.Quarantine, "holdfast.db.*").Length.ShouldBe(how is "removed" or "emptied" ? how == "emptied" ? 1 : 0 : 1);
        await _store.PushImageAsync("c", "latest");
        await RestartAsync(quietly: true);
    }

    [Fact, Promise("P1")]
    public async Task Start_AnOlderCopyOfAFewChanges_ReplaysThemAndSaysSo()
    {
        await _store.PushImageAsync("a", "latest");
        await _store.KillAsync();
        var files = Directory.GetFiles(_store.Path, "holdfast.db*").ToDictionary(file => file, File.ReadAllBytes);
        await _store.OpenAsync();
        await _store.PushImageAsync("b", "latest");
        var before = await _store.DumpAsync();
        await _store.KillAsync();
        foreach (var (file, bytes) in files)
            await File.WriteAllBytesAsync(file, bytes, None);

        var findings = await _store.OpenAsync();
        findings.Replayed.ShouldBe(3);
        findings.Warnings.ShouldHaveSingleItem().ShouldContain("3 changes behind the journal");
        (await _store.DumpAsync()).ShouldBe(before);
    }

    [Fact, Promise("P1")]
    public async Task Start_JournalAheadByACrash_ReplaysTheTail()
    {
        await _store.PushImageAsync("a", "latest");
        await _store.KillAsync();
        var files = Directory.GetFiles(_store.Path, "holdfast.db*").ToDictionary(file => file, File.ReadAllBytes);
        await _store.OpenAsync();
        await _store.PushBlobAsync("a single change");
        var before = await _store.DumpAsync();
        await _store.KillAsync();
        foreach (var (file, bytes) in files)
            await File.WriteAllBytesAsync(file, bytes, None);

        var findings = await _store.OpenAsync();
        findings.Replayed.ShouldBe(1);
        findings.Warnings.ShouldBeEmpty();
        (await _store.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task Start_NeitherDatabaseNorJournalButBlobs_RefusesAndSaysWhatToDo()
    {
        await _store.PushImageAsync("a", "latest");
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        Directory.Delete(_store.Journal, recursive: true);

        var refused = await Should.ThrowAsync<JournalException>(_store.OpenAsync());
        refused.Message.ShouldContain("Put a backup back, or run `holdfast rebuild");
        File.Exists(_store.DatabaseFile).ShouldBeFalse();
    }

    [Theory]
    [InlineData("gone", "the journal is missing")]
    [InlineData("behind", "the journal ends at change 3, and the database has come to change 6")]
    [InlineData("another's", "the journal is that of another store")]
    public async Task Start_JournalLost_BeginsANewOneFromTheDatabase(string how, string says)
    {
        await _store.PushImageAsync("a", "latest");
        await _store.CloseAsync();
        var earlier = await File.ReadAllBytesAsync(Segment, None);
        await _store.OpenAsync();
        await _store.PushImageAsync("b", "v2");
        await _store.DeleteTagAsync("latest");
        await _store.PushImageAsync("b", "v2");
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        if (how == "gone")
            File.Delete(Segment);
        else if (how == "behind")
            await File.WriteAllBytesAsync(Segment, earlier, None);
        else
            await File.WriteAllBytesAsync(Segment, await AnothersAsync(), None);

        var findings = await _store.OpenAsync();
        findings.Warnings.ShouldHaveSingleItem().ShouldContain(how == "behind" ? "the journal ends at change 3" : says);
        (await OpenIncidentAsync()).Kind.ShouldBe(IncidentKind.Journal);
        (await _store.DumpAsync()).ShouldBe(before);
        Directory.GetFiles(_store.Quarantine, "journal-*").Length.ShouldBe(how == "gone" ? 0 : 1);
        await ShouldRebuildAsync(before);
    }

    [Fact]
    public async Task Start_DatabaseOfAProgramWithoutJournal_WritesItsStateIntoOne()
    {
        await _store.PushIndexAsync([await _store.PushImageAsync("a", "v1")], "latest");
        await _store.DeleteTagAsync("v1");
        await _store.ChangeAsync(session => session.Prepare("DELETE FROM journal_position").Execute());
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        File.Delete(Segment);

        (await _store.OpenAsync()).Warnings.ShouldBeEmpty();
        await ShouldRebuildAsync(before);
    }

    [Fact]
    public async Task Start_CopyFromBeforeTheJournal_IsReplacedByTheJournalsState()
    {
        await _store.CloseAsync();
        using (var session = SqliteConnections.OpenWriter(_store.DatabaseFile))
            session.Execute("DELETE FROM journal_position");
        var old = await File.ReadAllBytesAsync(_store.DatabaseFile, None);
        await _store.OpenAsync();
        await _store.PushImageAsync("a", "latest");
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        await File.WriteAllBytesAsync(_store.DatabaseFile, old, None);

        (await _store.OpenAsync()).Warnings.ShouldHaveSingleItem().ShouldContain("from before there was a journal");
        (await _store.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task Start_LineDamagedAndDatabaseLost_RefusesAndRebuildTellsWhatIsLost()
    {
        await _store.PushImageAsync("a", "v1");
        await _store.PushImageAsync("b", "v2");
        await _store.CloseAsync();
        FlipInLine(2); // The second change: a's layer.
        File.Delete(_store.DatabaseFile);

        var refused = await Should.ThrowAsync<JournalException>(_store.OpenAsync());
        refused.Message.ShouldContain("00000000000000000001.log is damaged at byte");
        refused.Message.ShouldContain("holdfast rebuild --data");

        var report = await RebuildAsync();
        report.Damage.ShouldContain("change 2 is lost");
        report.Tags.ShouldBe(2);
        report.LostManifests.ShouldHaveSingleItem().Tags.ShouldHaveSingleItem().ToString().ShouldBe("v1");
        (await _store.OpenAsync()).Warnings.ShouldBeEmpty();
        (await _store.QueryAsync(session => Manifests.Find(session, _store.App, Tag.Parse("v2")))).ShouldNotBeNull();
        // The same push heals it.
        await _store.PushImageAsync("a", "v1");
        (await _store.QueryAsync(LostManifests.List)).ShouldBeEmpty();
        await ShouldRebuildAsync(await _store.DumpAsync());
    }

    [Fact, Promise("P8")]
    public async Task Start_LineDamagedAndDatabaseGood_IsFoundAndReplacedBySnapshots()
    {
        await _store.PushImageAsync("a", "v1");
        await _store.PushImageAsync("b", "v2");
        await _store.CloseAsync();
        FlipInLine(2);

        await _store.OpenAsync();
        await UntilAsync(async () => (await _store.QueryAsync(session => Incidents.ListOpen(session, 10))).Count > 0);
        (await OpenIncidentAsync()).Detail.ShouldContain("00000000000000000001.log is damaged at byte");
        await _store.PushImageAsync("c", "v3");
        await ShouldRebuildAsync(await _store.DumpAsync());
    }

    [Theory, Promise("P8")]
    [InlineData("first")]
    [InlineData("between")]
    public async Task Start_SegmentRemovedAndDatabaseGood_IsFoundAndReplacedByASnapshot(string which)
    {
        await _store.PushImageAsync("a", "v1");
        await _store.CloseAsync();
        var lines = File.ReadAllLines(Segment);
        File.WriteAllLines(Segment, lines[..2]); // The header, and change 1.
        File.WriteAllLines(JournalFolder.PathOf(_store.Journal, 2, JournalFolder.Segment), [lines[0], lines[2]]);
        File.WriteAllLines(JournalFolder.PathOf(_store.Journal, 3, JournalFolder.Segment), [lines[0], lines[3]]);
        await _store.OpenAsync();
        await _store.CloseAsync();
        File.Delete(which == "first" ? Segment : JournalFolder.PathOf(_store.Journal, 2, JournalFolder.Segment));

        (await _store.OpenAsync()).Warnings.ShouldBeEmpty();
        await UntilAsync(async () => (await _store.QueryAsync(session => Incidents.ListOpen(session, 10))).Count > 0);
        (await OpenIncidentAsync()).Detail.ShouldContain(which == "first" ? "change 1 is lost" : "change 2 is lost");
        await ShouldRebuildAsync(await _store.DumpAsync());
    }

    [Fact]
    public async Task Swap_NewDatabaseNotWholeInItsFile_LeavesTheOldOne()
    {
        await _store.PushImageAsync("a", "v1");
        await _store.CloseAsync();
        using (var data = FileSystem.DataFolder.Open(_store.Path))
        {
            await using var blobs = new FileSystem.FileSystemBlobStore(data, TimeProvider.System);
            var rebuild = Sqlite.DatabaseRebuild.Read(data, blobs, TimeProvider.System);
            await rebuild.MakeAsync(null, findUnknown: false, None);
            // What a full disk leaves: what could not be copied out of the log.
            await File.WriteAllBytesAsync(_store.DatabaseFile + ".new-wal", new byte[100], None);
            Should.Throw<IOException>(rebuild.Swap);
        }
        (await _store.OpenAsync()).Warnings.ShouldBeEmpty();
        (await _store.QueryAsync(session => Manifests.Find(session, _store.App, Tag.Parse("v1")))).ShouldNotBeNull();
    }

    [Fact, Promise("P4")]
    public async Task Start_ManifestBytesGone_KeepsItsTagAndIndexAndAPushHealsIt()
    {
        var child = await _store.PushImageAsync("a", "v1");
        var index = await _store.PushIndexAsync([child, await _store.PushImageAsync("b")], "latest");
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        File.Delete(_store.BlobFile(child.Digest));
        File.Delete(_store.DatabaseFile);

        var report = (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull();
        var lost = report.LostManifests.ShouldHaveSingleItem();
        (lost.Digest, lost.Registry, lost.Tags[0].ToString()).ShouldBe((child.Digest, "main", "v1"));
        (await _store.QueryAsync(session => Manifests.Find(session, _store.App, Tag.Parse("latest"))))!.Digest.ShouldBe(index.Digest);
        (await _store.QueryAsync(session => Manifests.ReadPayload(session, child.Digest))).ShouldBeNull();
        (await _store.QueryAsync(session => Incidents.ListOpen(session, 10))).ShouldContain(
            incident => incident.Kind == IncidentKind.ManifestMissing && incident.Subject == child.Digest.ToString() && incident.Detail.Contains("v1"));

        await _store.PushImageAsync("a", "v1");
        (await _store.QueryAsync(LostManifests.List)).ShouldBeEmpty();
        Edges(await _store.DumpAsync()).ShouldBe(Edges(before));
    }

    [Fact, Promise("P3")]
    public async Task Start_ManifestBytesPutBack_KnowsWhatItNeedsAgainAndHeldItMeanwhile()
    {
        var image = await _store.PushImageAsync("a", "v1");
        var layer = await _store.PushBlobAsync("layer of a");
        await _store.PushIndexAsync([image], "latest");
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        var payload = await File.ReadAllBytesAsync(_store.BlobFile(image.Digest), None);
        File.Delete(_store.BlobFile(image.Digest));
        File.Delete(_store.DatabaseFile);
        (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull().LostManifests.ShouldHaveSingleItem();

        // Nobody knows that the layer is needed; so nobody knows that it isn't.
        var times = new ReviewTimes(_store.Now, long.MaxValue, 0, 0);
        var judged = await _store.ChangeAsync(session =>
        {
            var (repository, blob) = (Repositories.Find(session, _store.App)!.Value, BlobRows.Find(session, layer.Digest)!.Value);
            Reviews.QueueLink(session, repository, blob, 1);
            return LinkReviews.Judge(session, new QueueRow(1, repository, blob), times);
        });
        judged.ShouldBe(ReviewOutcome.Postponed);

        (await _store.ChangeAsync(session => Manifests.MendPayload(session, image.Digest, payload))).ShouldBeTrue();
        (await _store.ChangeAsync(session => LostManifests.Recover(session, image.Digest, payload, 5))).ShouldBe(1);
        (await _store.QueryAsync(LostManifests.List)).ShouldBeEmpty();
        (await _store.DumpAsync()).ShouldBe(before);
        (await _store.DeleteLinkAsync(layer.Digest)).Outcome.ShouldBe(DeleteOutcome.Held);
    }

    [Fact, Promise("P4")]
    public async Task Recover_WhatItRefersToIsLostToo_SaysSoAndIsNotServed()
    {
        var image = await _store.PushImageAsync("a", "v1");
        await _store.CloseAsync();
        FlipInLine(2); // The second change: a's layer.
        File.Delete(_store.DatabaseFile);
        (await RebuildAsync()).LostManifests.ShouldHaveSingleItem();
        await _store.OpenAsync();

        var payload = await File.ReadAllBytesAsync(_store.BlobFile(image.Digest), None);
        (await _store.ChangeAsync(session => LostManifests.Recover(session, image.Digest, payload, 5))).ShouldBe(0);
        (await _store.QueryAsync(session => Manifests.Find(session, _store.App, Tag.Parse("v1")))).ShouldNotBeNull().IsLost.ShouldBeTrue();
        (await _store.QueryAsync(session => Incidents.IsOpen(session, IncidentKind.DanglingEdge, image.Digest.ToString()))).ShouldBeTrue();

        await _store.PushBlobAsync("layer of a");
        (await _store.ChangeAsync(session => LostManifests.Recover(session, image.Digest, payload, 6))).ShouldBe(1);
        (await _store.QueryAsync(session => Manifests.Find(session, _store.App, Tag.Parse("v1")))).ShouldNotBeNull().MediaType.ShouldBe(image.MediaType);
    }

    // The journal tells of no clock: any of the time before may have been skipped, and what is taken for skipped is only kept for longer.
    [Fact, Promise("P7")]
    public async Task Rebuilt_CountsTheTimeBeforeForNoAge()
    {
        const long Hour = 3_600_000;
        foreach (var at in new[] { 10 * Hour, 100 * Hour, 11 * Hour })
            await LinkAsync(new StoredBlob(Digest.Compute(DigestAlgorithm.Sha256, BitConverter.GetBytes(at)), 8, 1), at);
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull();
        var leaps = await _store.ChangeAsync(ClockRows.Leaps);
        new StoreMoment(101 * Hour, leaps).AgoMs(Hour + 1).ShouldBeLessThan(10 * Hour, "nothing is older than an hour");
        new StoreMoment(101 * Hour, leaps).AgoMs(Hour).ShouldBe(100 * Hour);
    }

    [Fact]
    public async Task Rebuilt_WithoutAnyChange_BeginsItsTimeNow()
    {
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull();
        var time = await StoreTime.OpenAsync(_store.Database, TimeProvider.System, CancellationToken.None);
        time.Look().Leaps.List.ShouldBeEmpty();
    }

    private Task<bool> LinkAsync(StoredBlob blob, long atMs) => _store.ChangeAsync(session =>
    {
        BlobLinks.Add(session, _store.App, blob, atMs);
        return true;
    });

    [Fact]
    public async Task Start_LayerFileGone_KeepsEverythingAndOpensAnIncident()
    {
        await _store.PushImageAsync("a", "v1");
        var layer = await _store.PushBlobAsync("layer of a");
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        File.Delete(_store.BlobFile(layer.Digest));
        File.Delete(_store.DatabaseFile);

        var report = (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull();
        report.MissingBlobs.ShouldHaveSingleItem().ShouldBe(new MissingBlob(layer.Digest, layer.SizeBytes, null));
        (await _store.DumpAsync()).ShouldBe(before);
        (await _store.QueryAsync(session => Incidents.ListOpen(session, 10))).ShouldContain(
            incident => incident.Kind == IncidentKind.BlobMissing && incident.Subject == layer.Digest.ToString());
    }

    private string Segment => JournalFolder.PathOf(_store.Journal, 1, JournalFolder.Segment);

    private void Damage(string how)
    {
        using var file = File.Open(_store.DatabaseFile, FileMode.Open);
        switch (how)
        {
            case "removed":
                File.Delete(_store.DatabaseFile);
                break;
            case "emptied":
                file.SetLength(0);
                break;
            case "truncated":
                file.SetLength(file.Length / 2);
                break;
            case "no database":
                file.SetLength(0);
                file.Write("this was a database once, and is one no more"u8);
                break;
            default:
                file.Position = 4096;
                file.Write(new byte[file.Length - 4096]);
                break;
        }
    }

    private void FlipInLine(int number)
    {
        var lines = File.ReadAllText(Segment).Split('\n');
        var offset = lines.Take(number).Sum(line => line.Length + 1) + 20;
        using var file = File.Open(Segment, FileMode.Open);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }

    private async Task RestartAsync(bool quietly)
    {
        await _store.CloseAsync();
        var findings = await _store.OpenAsync();
        if (quietly)
            findings.Warnings.ShouldBeEmpty();
        findings.Rebuilt.ShouldBeNull();
    }

    private async Task ShouldRebuildAsync(List<string> expected)
    {
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        var findings = await _store.OpenAsync();
        findings.Rebuilt.ShouldNotBeNull().IsComplete.ShouldBeTrue();
        (await _store.DumpAsync()).ShouldBe(expected);
    }

    private async Task<RebuildReport> RebuildAsync()
    {
        using var folder = DataFolder.Open(_store.Path);
        await using var blobs = new FileSystemBlobStore(folder, TimeProvider.System);
        var rebuild = DatabaseRebuild.Read(folder, blobs, TimeProvider.System);
        var report = await rebuild.MakeAsync(null, findUnknown: true, None);
        rebuild.Swap();
        return report;
    }

    private static async Task<byte[]> AnothersAsync()
    {
        await using var other = new JournaledStore();
        await other.OpenAsync();
        await other.PushImageAsync("x", "latest");
        await other.CloseAsync();
        return await File.ReadAllBytesAsync(JournalFolder.PathOf(other.Journal, 1, JournalFolder.Segment), None);
    }

    private async Task<Incident> OpenIncidentAsync() =>
        (await _store.QueryAsync(session => Incidents.ListOpen(session, 10))).Where(incident => incident.Kind == IncidentKind.Journal).ShouldHaveSingleItem();

    private static List<string> Edges(List<string> dump) => [.. dump.Where(line => line.Contains("edge", StringComparison.Ordinal))];

    private static async Task UntilAsync(Func<Task<bool>> isTrue)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await isTrue())
            await Task.Delay(10, limit.Token);
    }
}
