using System.Diagnostics;
using Holdfast.Oci;
using Holdfast.Storage.Acceptance;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Acceptance;

public sealed class BlobImportTests : IAsyncLifetime
{
    private readonly ImportStore _store = new();

    public async ValueTask InitializeAsync() => await _store.OpenAsync();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact, Promise("P1")]
    public async Task Accept_HardLinks_AreBlobsThatShareTheFilesAndLastOverAKill()
    {
        var offers = Enumerable.Range(0, 300).Select(i => _store.Bring(ImportStore.Bytes($"blob {i}"))).ToArray();
        var receipts = await _store.AcceptAsync(offers);
        receipts.Blobs.Count.ShouldBe(300);
        receipts.Blobs.ShouldAllBe(blob => blob.Outcome == BlobReceiptOutcome.Stored);
        _store.LeftUploads().ShouldBe(0);
        InodeOf(_store.Store.BlobFile(offers[7].Digest)).ShouldBe(InodeOf(_store.ForeignFile(offers[7].Digest)));

        await _store.Store.KillAsync();
        await _store.OpenAsync();
        foreach (var offer in offers)
            (await _store.FindAsync(offer.Digest)).ShouldNotBeNull().SizeBytes.ShouldBe(offer.SizeBytes);
    }

    [Fact]
    public async Task Accept_HardLink_LeavesModeAndTimesOfTheFileAsTheyAre()
    {
        var bytes = ImportStore.Bytes("shared");
        var file = _store.ForeignFile(ImportStore.Of(bytes).Digest);
        await File.WriteAllBytesAsync(file, bytes, ImportStore.None);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddYears(40));
        await _store.AcceptAsync(_store.Bring(bytes));
        File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        File.GetLastWriteTimeUtc(file).ShouldBe(DateTime.UnixEpoch.AddYears(40));
    }

    [Fact, Promise("P4")]
    public async Task Accept_Hashed_IsVerifiedByItsStamp()
    {
        var offer = _store.Bring(ImportStore.Bytes("hashed"));
        await _store.AcceptAsync(offer);
        var found = (await _store.FindAsync(offer.Digest)).ShouldNotBeNull();
        found.VerifiedAtMs.ShouldBeGreaterThan(0);
        found.Stamp.ShouldBe((await _store.Store.Blobs.FindStatusAsync(offer.Digest, ImportStore.None))!.Value.Stamp);
    }

    [Fact, Promise("P4")]
    public async Task Accept_Trusted_IsInDoubtAndFirstInTheWalk()
    {
        var hashed = _store.Bring(ImportStore.Bytes("hashed"));
        var trusted = _store.Bring(ImportStore.Bytes("trusted")) with { IsTrusted = true };
        await _store.AcceptAsync(hashed, trusted);
        var found = (await _store.FindAsync(trusted.Digest)).ShouldNotBeNull();
        (found.VerifiedAtMs, found.Stamp != 0).ShouldBe((0, true));
        var walk = await _store.Store.QueryAsync(db => BlobChecks.ListLeastVerified(db, WalkPosition.Start, long.MaxValue, 10));
        walk[0].Digest.ShouldBe(trusted.Digest);
        // It isn't brought a second time, though nobody has hashed it yet.
        (await BlobImport.FindPresentAsync(_store.Stores, [new LinkedBlob(trusted.Digest, trusted.SizeBytes)], ImportStore.None)).ShouldHaveSingleItem();
    }

    [Fact, Promise("P4")]
    public async Task Accept_WrongBytes_StoresNothing()
    {
        var right = _store.Bring(ImportStore.Bytes("right"));
        var wrong = _store.Bring(ImportStore.Bytes("wrong"), claimed: Digest.Compute(DigestAlgorithm.Sha256, "other"u8));
        var receipts = await _store.AcceptAsync(wrong, right);
        receipts.Blobs.Single(blob => blob.Digest == wrong.Digest).Outcome.ShouldBe(BlobReceiptOutcome.WrongBytes);
        (await _store.FindAsync(wrong.Digest)).ShouldBeNull();
        (await _store.FindAsync(right.Digest)).ShouldNotBeNull();
        File.Exists(_store.Store.BlobFile(wrong.Digest)).ShouldBeFalse();
        _store.LeftUploads().ShouldBe(0);
    }

    [Fact]
    public async Task Accept_WithoutBytes_LinksWhatIsThereAndAsksForTheRest()
    {
        var there = await _store.Store.PushBlobAsync("there");
        var other = new RepositoryKey(_store.App.Registry, RepositoryName.Parse("other"));
        var gone = new BlobOffer(Digest.Compute(DigestAlgorithm.Sha256, "gone"u8), 4, [other]);
        var receipts = await _store.AcceptAsync(new BlobOffer(there.Digest, there.SizeBytes, [other]), gone);
        receipts.Blobs.Single(blob => blob.Digest == there.Digest).Outcome.ShouldBe(BlobReceiptOutcome.Linked);
        receipts.Blobs.Single(blob => blob.Digest == gone.Digest).Outcome.ShouldBe(BlobReceiptOutcome.NeedsBytes);
        (await _store.Store.QueryAsync(db => BlobLinks.Find(db, other, there.Digest))).ShouldNotBeNull();
        (await _store.Store.QueryAsync(db => BlobLinks.Find(db, other, gone.Digest))).ShouldBeNull();
    }

    [Fact, Promise("P8")]
    public async Task Accept_OverALostBlob_HashesEvenWhatIsTrustedAndEndsTheIncident()
    {
        var lost = await _store.Store.PushBlobAsync("lost");
        File.Delete(_store.Store.BlobFile(lost.Digest));
        await _store.Store.ChangeAsync(db =>
        {
            Incidents.Open(db, IncidentKind.BlobMissing, lost.Digest.ToString(), "gone", 1);
            return 0;
        });
        var receipts = await _store.AcceptAsync(_store.Bring(ImportStore.Bytes("lost")) with { IsTrusted = true });
        receipts.Healed.ShouldHaveSingleItem().Subject.ShouldBe(lost.Digest.ToString());
        (await _store.FindAsync(lost.Digest)).ShouldNotBeNull().VerifiedAtMs.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Accept_SameBlobTwiceInABatch_LinksBoth()
    {
        var one = _store.Bring(ImportStore.Bytes("twice"));
        var other = new RepositoryKey(_store.App.Registry, RepositoryName.Parse("other"));
        var receipts = await _store.AcceptAsync(one, one with { Upload = null, Repositories = [other] });
        receipts.Blobs.Select(blob => blob.Outcome).ShouldBe([BlobReceiptOutcome.Stored, BlobReceiptOutcome.Linked]);
        (await _store.Store.QueryAsync(db => BlobLinks.Find(db, other, one.Digest))).ShouldNotBeNull();
    }

    [Fact]
    public async Task Accept_FileThatTheStoreHasAlready_LeavesNoUpload()
    {
        var offer = _store.Bring(ImportStore.Bytes("again"));
        await _store.AcceptAsync(offer);
        // As after a kill between the rename and the row: the same file again, under another id.
        await _store.Store.ChangeAsync(db => db.Prepare("UPDATE blobs SET stamp = 5").Execute());
        (await _store.AcceptAsync(_store.Bring(ImportStore.Bytes("again")))).Blobs.ShouldHaveSingleItem().Outcome.ShouldBe(BlobReceiptOutcome.Stored);
        _store.LeftUploads().ShouldBe(0);
    }

    [Fact]
    public async Task Accept_WhileSomebodyHoldsADigest_WaitsForThatOneAlone()
    {
        var (busy, free) = (_store.Bring(ImportStore.Bytes("busy")), _store.Bring(ImportStore.Bytes("free")));
        Task<BlobReceipts> accepting;
        using (await _store.Stores.Locks.EnterAsync(busy.Digest, ImportStore.None))
        {
            accepting = _store.AcceptAsync(busy, free);
            while (await _store.FindAsync(free.Digest) is null)
                await Task.Yield();
            accepting.IsCompleted.ShouldBeFalse();
        }
        (await accepting).Blobs.Count.ShouldBe(2);
        (await _store.FindAsync(busy.Digest)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Accept_AFileWrittenToLater_IsSeenByItsStamp()
    {
        var offer = _store.Bring(ImportStore.Bytes("before"));
        await _store.AcceptAsync(offer);
        // What the old registry's file becomes, ours becomes too.
        await File.WriteAllTextAsync(_store.ForeignFile(offer.Digest), "behind", ImportStore.None);
        (await _store.Store.Blobs.FindStatusAsync(offer.Digest, ImportStore.None))!.Value.Stamp.ShouldNotBe((await _store.FindAsync(offer.Digest))!.Value.Stamp);
        (await BlobImport.FindPresentAsync(_store.Stores, [new LinkedBlob(offer.Digest, offer.SizeBytes)], ImportStore.None)).ShouldBeEmpty();
    }

    private static string InodeOf(string path)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%i", path]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        return stat.StandardOutput.ReadToEnd();
    }
}
