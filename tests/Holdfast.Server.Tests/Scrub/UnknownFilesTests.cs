using Holdfast.Oci;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Scrub;

public sealed class UnknownFilesTests : ScrubbedStores
{
    // The stores' clock stands in the past of the files' times, which the kernel sets.
    private void PassTheGrace() => Time.Advance(DateTimeOffset.UtcNow - Time.GetUtcNow() + TimeSpan.FromHours(25));

    private Digest Leave(byte[] content, byte[]? under = null)
    {
        var digest = Samples.DigestOf(under ?? content);
        Directory.CreateDirectory(Path.GetDirectoryName(FileOf(digest))!);
        File.WriteAllBytes(FileOf(digest), content);
        return digest;
    }

    [Fact]
    public async Task File_NobodyKnows_IsAdoptedAfterTheGraceAndReviewed()
    {
        var digest = Leave(Samples.Bytes(1, 300));
        Time.Advance(DateTimeOffset.UtcNow - Time.GetUtcNow() + TimeSpan.FromHours(1));
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Unknown.ShouldBe(0);
        PassTheGrace();
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(1);
        (await CountAsync("SELECT COUNT(*) FROM blobs b JOIN blob_reviews r ON r.blob_id = b.id WHERE b.size = 300")).ShouldBe(1);
        (await OpenIncidentsAsync()).ShouldBeEmpty();
        await CheckAllAsync();
        Blobs.Checks.ShouldBe(1); // By the adoption, and not again.
        File.Exists(FileOf(digest)).ShouldBeTrue();
    }

    // A row outlives a power cut, and a name that nobody has synced need not.
    [Fact, Promise("P1")]
    public async Task File_NobodyKnows_IsSyncedBeforeItHasARow()
    {
        var digest = Leave(Samples.Bytes(1, 300));
        PassTheGrace();
        var synced = new List<Digest>();
        Blobs.OnSync = blob =>
        {
            synced.Add(blob);
            throw new IOException("it can't be synced");
        };
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(0);
        synced.ShouldBe([digest]);
        (await CountAsync("SELECT COUNT(*) FROM blobs WHERE size = 300")).ShouldBe(0);
        Blobs.OnSync = null;
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(1);
    }

    [Fact, Promise("P8")]
    public async Task File_NobodyKnowsWithWrongBytes_IsQuarantined()
    {
        var digest = Leave(Samples.Bytes(1, 300), under: Samples.Bytes(2, 300));
        PassTheGrace();
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Quarantined.ShouldBe(1);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.UnknownFile, digest.ToString())]);
        File.Exists(FileOf(digest)).ShouldBeFalse();
    }

    [Fact, Promise("P8")]
    public async Task Name_ThatIsNoBlobs_IsReportedAndLeftAlone()
    {
        await PushAsync(Samples.Bytes(1, 10));
        await File.WriteAllTextAsync(Path.Combine(BlobFolder, "notes.txt"), "mine");
        PassTheGrace();
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Foreign.ShouldBe(1);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.UnknownFile, "blobs/sha256/notes.txt")]);
        File.Exists(Path.Combine(BlobFolder, "notes.txt")).ShouldBeTrue();
    }

    [Fact, Promise("P8")]
    public async Task Incident_OfWhatIsGone_EndsWithTheNextWholeWalk()
    {
        var wrong = Leave(Samples.Bytes(1, 300), under: Samples.Bytes(2, 300));
        await PushAsync(Samples.Bytes(3, 10));
        var notes = Path.Combine(BlobFolder, "notes.txt");
        await File.WriteAllTextAsync(notes, "mine");
        PassTheGrace();
        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.UnknownFile, "blobs/sha256/notes.txt"), (IncidentKind.UnknownFile, wrong.ToString())]);

        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.UnknownFile, "blobs/sha256/notes.txt")]);
        File.Delete(notes);
        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        (await OpenIncidentsAsync()).ShouldBeEmpty();
    }

    [Fact, Promise("P8")]
    public async Task Adoption_OfABlobWithAnOpenIncident_EndsAndCountsItAtOnceAndItIsReportedAnew()
    {
        var book = Checks.Findings.Incidents;
        var digest = Leave(Samples.Bytes(1, 300), under: Samples.Bytes(2, 300));
        PassTheGrace();
        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        book.Open.Of(IncidentKind.UnknownFile).ShouldBe(1);
        Leave(Samples.Bytes(2, 300));
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(1);
        book.Open.Of(IncidentKind.UnknownFile).ShouldBe(0);
        (await OpenIncidentsAsync()).ShouldBeEmpty();

        // Not remembered as reported lately: it is another finding.
        await ExecuteAsync("DELETE FROM blobs");
        Leave(Samples.Bytes(1, 300), under: Samples.Bytes(2, 300));
        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.UnknownFile, digest.ToString())]);
    }

    [Fact, Promise("P8")]
    public async Task Files_MoreThanCanBeLeftOver_AreNotTouchedAndTheDatabaseIsDoubted()
    {
        for (var i = 0; i < 1001; i++)
            Leave(Samples.Bytes(i, 20));
        PassTheGrace();
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(0);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.UnknownFile, "blobs")]);
        (await CountAsync("SELECT COUNT(*) FROM blobs")).ShouldBe(0);
    }

    [Fact, Promise("P6")]
    public async Task File_NobodyKnowsWhileTheJournalIsInDoubt_IsNotTouchedUntilSomebodyLooked()
    {
        var digest = Leave(Samples.Bytes(1, 300));
        PassTheGrace();
        await Checks.Findings.Incidents.OpenAsync(IncidentKind.Journal, "holdfast.db", "the journal is missing");
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(0);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.Journal, "holdfast.db"), (IncidentKind.UnknownFile, "blobs")]);
        File.Exists(FileOf(digest)).ShouldBeTrue();

        await Checks.Findings.Incidents.AcknowledgeAsync(1, "somebody", CancellationToken.None);
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(1);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.Journal, "holdfast.db")]);
    }

    [Fact, Promise("P6")]
    public async Task File_NobodyKnowsAndUnreadable_Stays()
    {
        var digest = Leave(Samples.Bytes(1, 300));
        Blobs.Unreadable.Add(digest);
        PassTheGrace();
        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        (await OpenIncidentsAsync()).ShouldBe([(IncidentKind.StoreUnreadable, digest.ToString())]);
        File.Exists(FileOf(digest)).ShouldBeTrue();
    }

    [Fact]
    public async Task Walk_CutOff_GoesOnThere()
    {
        var one = Leave(Samples.Bytes(1, 10));
        PassTheGrace();
        var name = $"blobs/sha256/{one.Hex[..2]}/{one.Hex}";
        await ExecuteAsync($"INSERT INTO checks (name, started_at, finished_at, position, detail) VALUES ('unknown-files', 1, 0, '5 {name}', '')");
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Files.ShouldBe(0);
        (await Scrub.UnknownFiles.RunAsync(CancellationToken.None)).Adopted.ShouldBe(1);
    }

    [Fact, Promise("P10")]
    public async Task Quarantine_BeyondItsAge_IsTrimmedAndTheRestKept()
    {
        var now = DateTimeOffset.UtcNow;
        var old = Path.Combine(Quarantine, $"{Samples.DigestOf([1])}.{now.AddDays(-31).ToUnixTimeMilliseconds()}");
        var young = Path.Combine(Quarantine, $"{Samples.DigestOf([2])}.{now.ToUnixTimeMilliseconds()}");
        var foreign = Path.Combine(Quarantine, "notes");
        foreach (var file in new[] { old, young, foreign })
            await File.WriteAllTextAsync(file, "x");
        PassTheGrace();
        await Scrub.UnknownFiles.RunAsync(CancellationToken.None);
        (File.Exists(old), File.Exists(young), File.Exists(foreign)).ShouldBe((false, true, true));
    }
}
