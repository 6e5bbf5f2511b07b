using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class BlobStoreContract
{
    [Fact, Promise("P1")]
    public async Task Adopt_WholeUploads_AreBlobsAfterARestart()
    {
        var all = Enumerable.Range(0, 40).Select(i => Random(1 + (i * 5000))).ToList();
        var uploads = new List<WholeUpload>();
        foreach (var bytes in all)
            uploads.Add(await UploadAsync(bytes));
        var adopted = await Store.AdoptAsync(uploads, None);
        adopted.ShouldAllBe(one => one.Outcome == AdoptionOutcome.Stored && one.IsHashed && one.Stamp != 0);
        (await ListUploadsAsync()).ShouldBeEmpty();
        for (var i = 0; i < all.Count; i++)
            (await Store.FindStatusAsync(uploads[i].Digest, None))!.Value.Stamp.ShouldBe(adopted[i].Stamp);
        await RestartAsync();
        foreach (var bytes in all)
            (await ReadAsync(Digest.Compute(Sha256, bytes))).ShouldBe(bytes);
    }

    [Fact, Promise("P4")]
    public async Task Adopt_SomeWrong_StoresTheOthersAndKeepsThoseAsUploads()
    {
        var right = await UploadAsync(Random(5000));
        var other = (await UploadAsync(Random(700))) with { Digest = Digest.Compute(Sha256, "something else"u8) };
        var longer = await UploadAsync(Random(900));
        longer = longer with { SizeBytes = 901 };
        var gone = new WholeUpload(Guid.NewGuid(), Digest.Compute(Sha256, "gone"u8), 4, IsTrusted: false);
        var adopted = await Store.AdoptAsync([other, right, longer, gone], None);
        adopted.Select(one => one.Outcome).ShouldBe(
            [AdoptionOutcome.DigestMismatch, AdoptionOutcome.Stored, AdoptionOutcome.WrongSize, AdoptionOutcome.Missing]);
        (await Store.FindSizeAsync(right.Digest, None)).ShouldBe(5000);
        foreach (var digest in new[] { other.Digest, longer.Digest, gone.Digest })
            (await Store.FindSizeAsync(digest, None)).ShouldBeNull();
        (await ListUploadsAsync()).Select(upload => upload.Upload).ShouldBe([other.Upload, longer.Upload], ignoreOrder: true);
    }

    [Fact, Promise("P4")]
    public async Task Adopt_OverDamagedBlob_HealsIt()
    {
        var bytes = Random(50_000);
        var digest = await PutAsync(bytes);
        Damage(digest);
        (await ReadAsync(digest)).ShouldNotBe(bytes);
        (await Store.AdoptAsync([await UploadAsync(bytes)], None)).ShouldHaveSingleItem().Outcome.ShouldBe(AdoptionOutcome.Stored);
        (await ReadAsync(digest)).ShouldBe(bytes);
    }

    [Fact, Promise("P6")]
    public async Task Adopt_Obstructed_ThrowsInsteadOfStored()
    {
        var upload = await UploadAsync(Random(1000));
        Obstruct(upload.Digest);
        await Should.ThrowAsync<IOException>(async () => await Store.AdoptAsync([upload], None));
    }

    [Fact]
    public async Task Adopt_Cancelled_StoresNothing()
    {
        var upload = await UploadAsync(Random(1000));
        await Should.ThrowAsync<OperationCanceledException>(async () => await Store.AdoptAsync([upload], new CancellationToken(true)));
        (await Store.FindSizeAsync(upload.Digest, None)).ShouldBeNull();
    }

    private async Task<WholeUpload> UploadAsync(byte[] bytes)
    {
        var id = Guid.NewGuid();
        await using var writer = await Store.OpenUploadAsync(id, Sha256, None);
        await writer.AppendAsync(bytes, None);
        return new WholeUpload(id, Digest.Compute(Sha256, bytes), bytes.Length, IsTrusted: false);
    }
}
