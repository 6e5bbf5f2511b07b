using System.Security.Cryptography;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

/// <summary>What every blob store does. Tests of an implementation derive from this.</summary>
public abstract partial class BlobStoreContract : IAsyncLifetime
{
    protected const DigestAlgorithm Sha256 = DigestAlgorithm.Sha256;
    protected const DigestAlgorithm Sha512 = DigestAlgorithm.Sha512;

    protected IBlobStore Store { get; private set; } = null!;

    protected static CancellationToken None => CancellationToken.None;

    /// <summary>Opens the test's store; called again, the same store as after a restart.</summary>
    protected abstract IBlobStore Open();

    /// <summary>Changes stored bytes behind the store's back, leaving their length.</summary>
    protected abstract void Damage(Digest digest);

    /// <summary>Makes the store unable to tell whether it has the blob.</summary>
    protected abstract void Obstruct(Digest digest);

    public virtual ValueTask InitializeAsync()
    {
        Store = Open();
        return default;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact, Promise("P6")]
    public async Task FindSize_Obstructed_ThrowsInsteadOfAbsent()
    {
        var digest = await PutAsync(Random(1000));
        Obstruct(digest);
        await Should.ThrowAsync<IOException>(async () => await Store.FindSizeAsync(digest, None));
        await Should.ThrowAsync<IOException>(async () => await Store.OpenAsync(digest, None));
    }

    [Fact, Promise("P6")]
    public async Task Commit_Obstructed_ThrowsAndStoresNothing()
    {
        var bytes = Random(1000);
        var digest = Digest.Compute(Sha256, bytes);
        Obstruct(digest);
        await Should.ThrowAsync<IOException>(() => PutAsync(bytes));
    }

    [Theory]
    [InlineData(Sha256, 0)]
    [InlineData(Sha256, 1)]
    [InlineData(Sha256, 100_000)]
    [InlineData(Sha512, 0)]
    [InlineData(Sha512, 3_000_001)]
    public async Task Commit_RightDigest_ReadsBackTheBytes(DigestAlgorithm algorithm, int length)
    {
        var bytes = Random(length);
        var digest = await PutAsync(bytes, algorithm);
        digest.ShouldBe(Digest.Compute(algorithm, bytes));
        (await Store.FindSizeAsync(digest, None)).ShouldBe(length);
        (await ReadAsync(digest)).ShouldBe(bytes);
        (await ListUploadsAsync()).ShouldBeEmpty();
    }

    [Fact, Promise("P4")]
    public async Task Commit_WrongDigest_StoresNothingAndKeepsTheSession()
    {
        var bytes = Random(70_000);
        var wrong = Digest.Compute(Sha256, "something else"u8);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync(bytes.AsMemory(0, 30_000), None);
        (await writer.CommitAsync(wrong, None)).ShouldBe(BlobCommitOutcome.DigestMismatch);
        (await Store.FindSizeAsync(wrong, None)).ShouldBeNull();

        await writer.AppendAsync(bytes.AsMemory(30_000), None);
        var digest = Digest.Compute(Sha256, bytes);
        (await writer.CommitAsync(digest, None)).ShouldBe(BlobCommitOutcome.Stored);
        (await ReadAsync(digest)).ShouldBe(bytes);
    }

    [Fact]
    public async Task Commit_OtherAlgorithm_ReadsTheBytesOnceMore()
    {
        var bytes = Random(400_000);
        var digest = Digest.Compute(Sha512, bytes);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync(bytes, None);
        (await writer.CommitAsync(Digest.Compute(Sha512, "x"u8), None)).ShouldBe(BlobCommitOutcome.DigestMismatch);
        (await writer.CommitAsync(digest, None)).ShouldBe(BlobCommitOutcome.Stored);
        (await ReadAsync(digest)).ShouldBe(bytes);
    }

    [Fact]
    public async Task Commit_SameBlobBy16Writers_AllStoreIt()
    {
        var bytes = Random(200_000);
        var digests = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => PutAsync(bytes))));
        digests.Distinct().ShouldHaveSingleItem();
        (await ReadAsync(digests[0])).ShouldBe(bytes);
        (await ListUploadsAsync()).ShouldBeEmpty();
    }

    [Fact, Promise("P4")]
    public async Task Commit_OverDamagedBlob_HealsIt()
    {
        var bytes = Random(50_000);
        var digest = await PutAsync(bytes);
        Damage(digest);
        (await ReadAsync(digest)).ShouldNotBe(bytes);
        await PutAsync(bytes);
        (await ReadAsync(digest)).ShouldBe(bytes);
    }

    [Fact]
    public async Task Commit_Twice_Throws()
    {
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync("abc"u8.ToArray(), None);
        var digest = Digest.Compute(Sha256, "abc"u8);
        await writer.CommitAsync(digest, None);
        await Should.ThrowAsync<IOException>(async () => await writer.AppendAsync("d"u8.ToArray(), None));
        await Should.ThrowAsync<IOException>(async () => await writer.CommitAsync(digest, None));
        (await ReadAsync(digest)).ShouldBe("abc"u8.ToArray());
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(3_000_000)]
    public async Task OpenUpload_AfterRestart_HashesWhatIsThereAndGoesOn(int length)
    {
        var bytes = Random(length);
        var half = length / 2;
        var id = Guid.NewGuid();
        await using (var writer = await Store.OpenUploadAsync(id, Sha256, None))
            await writer.AppendAsync(bytes.AsMemory(0, half), None);
        await RestartAsync();

        var stored = (await ListUploadsAsync()).ShouldHaveSingleItem();
        (stored.Upload, stored.SizeBytes).ShouldBe((id, half));
        await using (var writer = await Store.OpenUploadAsync(id, Sha256, None))
        {
            writer.SizeBytes.ShouldBe(half);
            await writer.AppendAsync(bytes.AsMemory(half), None);
            (await writer.CommitAsync(Digest.Compute(Sha256, bytes), None)).ShouldBe(BlobCommitOutcome.Stored);
        }
        (await ReadAsync(Digest.Compute(Sha256, bytes))).ShouldBe(bytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(99_999)]
    [InlineData(100_000)]
    public async Task Truncate_ThenAppend_HashesOnlyWhatIsLeft(int kept)
    {
        var bytes = Random(100_000);
        var more = Random(200_000);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync(bytes, None);
        await writer.TruncateAsync(kept, None);
        writer.SizeBytes.ShouldBe(kept);
        await writer.AppendAsync(more, None);
        byte[] whole = [.. bytes.AsSpan(0, kept), .. more];
        (await writer.CommitAsync(Digest.Compute(Sha256, whole), None)).ShouldBe(BlobCommitOutcome.Stored);
        (await ReadAsync(Digest.Compute(Sha256, whole))).ShouldBe(whole);
    }

    [Fact]
    public async Task Truncate_BeyondTheEnd_Throws()
    {
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync("abc"u8.ToArray(), None);
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await writer.TruncateAsync(4, None));
        writer.SizeBytes.ShouldBe(3);
    }

    [Fact]
    public async Task Park_BetweenAppends_ChangesNothing()
    {
        var bytes = Random(300_000);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.ParkAsync();
        foreach (var chunk in bytes.Chunk(70_000))
        {
            await writer.AppendAsync(chunk, None);
            await writer.ParkAsync();
        }
        (await writer.CommitAsync(Digest.Compute(Sha256, bytes), None)).ShouldBe(BlobCommitOutcome.Stored);
        (await ReadAsync(Digest.Compute(Sha256, bytes))).ShouldBe(bytes);
    }

    [Fact]
    public async Task Append_Cancelled_AddsNothing()
    {
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync("abc"u8.ToArray(), None);
        await Should.ThrowAsync<OperationCanceledException>(async () => await writer.AppendAsync("d"u8.ToArray(), new CancellationToken(true)));
        writer.SizeBytes.ShouldBe(3);
        (await writer.CommitAsync(Digest.Compute(Sha256, "abc"u8), None)).ShouldBe(BlobCommitOutcome.Stored);
    }

    [Fact]
    public async Task RemoveUpload_WithBytes_ForgetsThem()
    {
        var id = Guid.NewGuid();
        await using (var writer = await Store.OpenUploadAsync(id, Sha256, None))
            await writer.AppendAsync("abc"u8.ToArray(), None);
        await Store.RemoveUploadAsync(id, None);
        await Store.RemoveUploadAsync(id, None);
        (await ListUploadsAsync()).ShouldBeEmpty();
        await using var again = await Store.OpenUploadAsync(id, Sha256, None);
        again.SizeBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Open_AfterRemove_IsAbsentWhileAnOpenReaderGoesOn()
    {
        var bytes = Random(100_000);
        var digest = await PutAsync(bytes);
        await using var reader = (await Store.OpenAsync(digest, None)).ShouldNotBeNull();
        (await Store.RemoveAsync([digest], None)).ShouldBeEmpty();
        (await Store.RemoveAsync([digest], None)).ShouldBeEmpty();
        (await Store.OpenAsync(digest, None)).ShouldBeNull();
        (await Store.FindSizeAsync(digest, None)).ShouldBeNull();
        (await ReadAllAsync(reader)).ShouldBe(bytes);
    }

    [Fact]
    public async Task Read_AtAnyOffset_GivesThoseBytes()
    {
        var bytes = Random(100_000);
        var digest = await PutAsync(bytes);
        await using var reader = (await Store.OpenAsync(digest, None)).ShouldNotBeNull();
        var buffer = new byte[10];
        (await reader.ReadAsync(99_995, buffer, None)).ShouldBe(5);
        buffer[..5].ShouldBe(bytes[99_995..]);
        (await reader.ReadAsync(500, buffer, None)).ShouldBe(10);
        buffer.ShouldBe(bytes[500..510]);
        (await reader.ReadAsync(100_000, buffer, None)).ShouldBe(0);
    }

    [Fact, Promise("P1")]
    public async Task Commit_ThenRestart_IsStillThere()
    {
        var bytes = Random(80_000);
        var digest = await PutAsync(bytes);
        await RestartAsync();
        (await ReadAsync(digest)).ShouldBe(bytes);
    }

    protected static byte[] Random(int length) => RandomNumberGenerator.GetBytes(length);

    protected async Task RestartAsync()
    {
        await Store.DisposeAsync();
        Store = Open();
    }

    protected async Task<Digest> PutAsync(byte[] bytes, DigestAlgorithm algorithm = Sha256)
    {
        var digest = Digest.Compute(algorithm, bytes);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), algorithm, None);
        for (var offset = 0; offset < bytes.Length; offset += 128 * 1024)
            await writer.AppendAsync(bytes.AsMemory(offset, Math.Min(128 * 1024, bytes.Length - offset)), None);
        writer.SizeBytes.ShouldBe(bytes.Length);
        (await writer.CommitAsync(digest, None)).ShouldBe(BlobCommitOutcome.Stored);
        return digest;
    }

    protected async Task<byte[]> ReadAsync(Digest digest)
    {
        await using var reader = (await Store.OpenAsync(digest, None)).ShouldNotBeNull();
        return await ReadAllAsync(reader);
    }

    protected async Task<List<StoredUpload>> ListUploadsAsync()
    {
        var uploads = new List<StoredUpload>();
        await foreach (var upload in Store.ListUploadsAsync(None))
            uploads.Add(upload);
        return uploads;
    }

    private static async Task<byte[]> ReadAllAsync(BlobReader reader)
    {
        var bytes = new byte[reader.SizeBytes];
        for (var offset = 0; offset < bytes.Length;)
            offset += await reader.ReadAsync(offset, bytes.AsMemory(offset), None);
        return bytes;
    }
}
