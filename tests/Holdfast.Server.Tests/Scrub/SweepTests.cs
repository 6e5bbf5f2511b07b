using Holdfast.Oci;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

public sealed class SweepTests : ScrubbedStores
{
    [Fact, Promise("P8")]
    public async Task Sweep_OfWholeStores_FindsNothingAndHashesNothing()
    {
        for (var i = 0; i < 20; i++)
            await PushAsync(Samples.Bytes(i, 100));
        await PushImageAsync(1);
        var figures = await Scrub.Sweep.RunAsync(CancellationToken.None);
        (figures.Files, figures.Missing, figures.Changed, figures.Unreadable).ShouldBe((23, 0, 0, 0));
        Blobs.Checks.ShouldBe(0);
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        var row = await Stores.Metadata.ReadAsync("sweep", static (db, name) => Storage.Metadata.Checks.Find(db, name), CancellationToken.None);
        row!.FinishedAtMs.ShouldBe(Time.GetUtcNow().ToUnixTimeMilliseconds());
        row.Detail.ShouldContain("\"files\":23");
    }

    [Theory, Promise("P8"), Promise("P4")]
    [InlineData("remove")]
    [InlineData("truncate")]
    [InlineData("empty")]
    [InlineData("append")]
    public async Task Sweep_FileGoneOrOfAnotherSize_IsAnIncidentAtOnce(string damage)
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        await PushAsync(Samples.Bytes(2, 400));
        Damage.Do(damage, FileOf(digest));
        (await Scrub.Sweep.RunAsync(CancellationToken.None)).Missing.ShouldBe(1);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.BlobMissing, digest.ToString())]);

        // Once more it is known; a push ends it.
        (await Scrub.Sweep.RunAsync(CancellationToken.None)).Missing.ShouldBe(1);
        (await CountAsync("SELECT seen FROM incidents")).ShouldBe(1);
        await PushAsync(Samples.Bytes(1, 400));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBeEmpty();
    }

    [Theory, Promise("P8"), Promise("P4")]
    [InlineData("flip")]
    [InlineData("flip and keep the time")]
    [InlineData("replace")]
    public async Task Sweep_BytesChangedInPlace_AreHashedNextAndQuarantined(string damage)
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        await PushAsync(Samples.Bytes(2, 400));
        Damage.Do(damage, FileOf(digest));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.BlobCorrupt, digest.ToString())]);
        File.Exists(FileOf(digest)).ShouldBeFalse();
        Directory.GetFiles(Quarantine).ShouldHaveSingleItem().ShouldContain(digest.ToString());

        // The quarantined blob is missing from now on, which is no second incident.
        await CheckAllAsync();
        Time.Advance(TimeSpan.FromMinutes(11));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).Count.ShouldBe(1);
    }

    [Fact, Promise("P8")]
    public async Task Sweep_TwoFilesSwapped_FindsBoth()
    {
        var (one, two) = (await PushAsync(Samples.Bytes(1, 400)), await PushAsync(Samples.Bytes(2, 400)));
        File.Move(FileOf(one), FileOf(one) + ".x");
        File.Move(FileOf(two), FileOf(one));
        File.Move(FileOf(one) + ".x", FileOf(two));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).Select(i => i.Subject).ShouldBe([one.ToString(), two.ToString()], ignoreOrder: true);
    }

    [Fact, Promise("P8")]
    public async Task Sweep_FileThatIsBack_EndsTheIncident()
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        File.Move(FileOf(digest), FileOf(digest) + ".away");
        await CheckAllAsync();
        (await OpenIncidentsAsync()).Count.ShouldBe(1);
        File.Move(FileOf(digest) + ".away", FileOf(digest));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        (await CountAsync("SELECT COUNT(*) FROM incidents WHERE healed_by = 'check'")).ShouldBe(1);
        (await CountAsync("SELECT COUNT(*) FROM blobs WHERE verified_at = 0")).ShouldBe(0);
    }

    [Fact, Promise("P6")]
    public async Task Sweep_FolderInAFilesPlace_IsUnreadableNotMissing()
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        File.Delete(FileOf(digest));
        Directory.CreateDirectory(FileOf(digest));
        (await Scrub.Sweep.RunAsync(CancellationToken.None)).Unreadable.ShouldBe(1);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.StoreUnreadable, digest.ToString())]);
    }

    [Fact]
    public async Task Sweep_BlobThatTheCollectionIsRemoving_IsLeftAlone()
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        await ExecuteAsync("UPDATE blobs SET deleting_at = 1");
        File.Delete(FileOf(digest));
        await CheckAllAsync();
        (await OpenIncidentsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Sweep_FileReplacedByAPush_IsNotSuspected()
    {
        var digest = await PushAsync(Samples.Bytes(1, 400));
        await PushAsync(Samples.Bytes(1, 400));
        (await Scrub.Sweep.RunAsync(CancellationToken.None)).Changed.ShouldBe(0);
        File.Exists(FileOf(digest)).ShouldBeTrue();
    }

    [Fact]
    public async Task Sweep_RunIfDue_StartsOnceInAnInterval()
    {
        for (var seconds = 0; seconds < 180; seconds++)
        {
            await Scrub.Sweep.RunIfDueAsync(CancellationToken.None);
            Time.Advance(TimeSpan.FromSeconds(1));
        }
        // From start to start less than the minute that is promised.
        Scrub.Sweep.Last!.Value.Period.ShouldBeInRange(TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(59));
    }

    // By hand: what a sweep costs, printed. Run with -explicit on.
    [Fact(Explicit = true)]
    public async Task Sweep_OfAHundredThousandBlobs_TellsWhatItCosts()
    {
        const int Count = 100_000;
        var rows = new List<(Digest Digest, long Stamp)>(Count);
        for (var i = 0; i < Count; i++)
        {
            var digest = Samples.DigestOf(BitConverter.GetBytes(i));
            Directory.CreateDirectory(Path.GetDirectoryName(FileOf(digest))!);
            await File.WriteAllBytesAsync(FileOf(digest), BitConverter.GetBytes(i));
            rows.Add((digest, (await Blobs.FindStatusAsync(digest, CancellationToken.None))!.Value.Stamp));
        }
        await Stores.Metadata.WriteAsync(
            (rows, now: Time.GetUtcNow().ToUnixTimeMilliseconds()),
            static (db, s) =>
            {
                var add = db.Prepare("INSERT INTO blobs (digest, size, created_at, verified_at, stamp) VALUES (@digest, 4, @now, @now, @stamp)").Set("@now", s.now);
                return s.rows.Sum(row => add.Set("@digest", row.Digest).Set("@stamp", row.Stamp).Execute());
            },
            CancellationToken.None);
        for (var i = 0; i < 3; i++)
        {
            var (cpu, watch) = (Environment.CpuUsage.TotalTime, System.Diagnostics.Stopwatch.StartNew());
            var figures = await Scrub.Sweep.RunAsync(CancellationToken.None);
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{figures.Files} files, {figures.Changed} changed: {watch.Elapsed.TotalMilliseconds:0} ms, CPU {(Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds:0} ms");
            figures.Changed.ShouldBe(0);
        }
    }
}
