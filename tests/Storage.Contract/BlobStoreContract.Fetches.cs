using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

/// <summary>What a fetch needs of an upload: readers of what has come so far, and the question whether it is right.</summary>
public abstract partial class BlobStoreContract
{
    [Theory]
    [InlineData(Sha256)]
    [InlineData(Sha512)]
    public async Task Matches_OfWhatHasCome_SaysSoAndChangesNothing(DigestAlgorithm algorithm)
    {
        var bytes = Random(300_000);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), algorithm, None);
        (await writer.MatchesAsync(Digest.Compute(algorithm, []), None)).ShouldBeTrue();
        await writer.AppendAsync(bytes.AsMemory(0, 100_000), None);
        (await writer.MatchesAsync(Digest.Compute(algorithm, bytes), None)).ShouldBeFalse();
        (await writer.MatchesAsync(Digest.Compute(algorithm, bytes.AsSpan(0, 100_000)), None)).ShouldBeTrue();
        await writer.AppendAsync(bytes.AsMemory(100_000), None);
        var digest = Digest.Compute(algorithm, bytes);
        (await writer.MatchesAsync(digest, None)).ShouldBeTrue();
        (await writer.MatchesAsync(digest, None)).ShouldBeTrue();
        (await Store.FindSizeAsync(digest, None)).ShouldBeNull();
        writer.SizeBytes.ShouldBe(300_000);
        (await writer.CommitAsync(digest, None)).ShouldBe(BlobCommitOutcome.Stored);
        (await ReadAsync(digest)).ShouldBe(bytes);
    }

    [Fact]
    public async Task Matches_OfTheOtherAlgorithm_ReadsTheBytesOnceMore()
    {
        var bytes = Random(300_000);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync(bytes, None);
        (await writer.MatchesAsync(Digest.Compute(Sha512, bytes), None)).ShouldBeTrue();
        (await writer.MatchesAsync(Digest.Compute(Sha512, "x"u8), None)).ShouldBeFalse();
        (await writer.CommitAsync(Digest.Compute(Sha256, bytes), None)).ShouldBe(BlobCommitOutcome.Stored);
    }

    [Fact]
    public async Task Matches_AfterTheCommit_Throws()
    {
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync("abc"u8.ToArray(), None);
        var digest = Digest.Compute(Sha256, "abc"u8);
        await writer.CommitAsync(digest, None);
        await Should.ThrowAsync<IOException>(async () => await writer.MatchesAsync(digest, None));
        await Should.ThrowAsync<IOException>(async () => await writer.OpenReaderAsync(None));
    }

    /// <summary>Past every bound above which a store may write another way.</summary>
    [Theory]
    [InlineData(1000)]
    [InlineData(70_000_000)]
    public async Task Reader_OfAnUpload_SeesEachByteOnceItIsAppended(int length)
    {
        var bytes = Random(length);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await using var reader = await writer.OpenReaderAsync(None);
        (await reader.ReadAsync(0, new byte[10], None)).ShouldBe(0);
        var read = new byte[length];
        foreach (var part in Enumerable.Range(0, length).Chunk(Math.Max(1, length / 7)).Select(static part => (First: part[0], part.Length)))
        {
            for (var at = part.First; at < part.First + part.Length; at += 1 << 20)
                await writer.AppendAsync(bytes.AsMemory(at, Math.Min(1 << 20, part.First + part.Length - at)), None);
            for (var at = part.First; at < part.First + part.Length;)
            {
                var got = await reader.ReadAsync(at, read.AsMemory(at, part.First + part.Length - at), None);
                got.ShouldBeGreaterThan(0);
                at += got;
            }
            (await reader.ReadAsync(part.First + part.Length, new byte[10], None)).ShouldBe(0);
        }
        read.AsSpan().SequenceEqual(bytes).ShouldBeTrue();
        (await writer.CommitAsync(Digest.Compute(Sha256, bytes), None)).ShouldBe(BlobCommitOutcome.Stored);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reader_OfAnUpload_OutlivesTheWriterAndWhatBecomesOfIt(bool isCommitted)
    {
        var bytes = Random(200_000);
        var digest = Digest.Compute(Sha256, bytes);
        var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync(bytes, None);
        await using var reader = await writer.OpenReaderAsync(None);
        reader.SizeBytes.ShouldBe(200_000);
        if (isCommitted)
            (await writer.CommitAsync(digest, None)).ShouldBe(BlobCommitOutcome.Stored);
        await writer.DisposeAsync();
        if (isCommitted)
            await Store.RemoveAsync([digest], None);
        else
            await Store.RemoveUploadAsync(writer.Upload, None);
        var read = new byte[200_000];
        for (var at = 0; at < read.Length;)
        {
            var got = await reader.ReadAsync(at, read.AsMemory(at), None);
            got.ShouldBeGreaterThan(0);
            at += got;
        }
        read.AsSpan().SequenceEqual(bytes).ShouldBeTrue();
        (await ListUploadsAsync()).ShouldBeEmpty();
    }

    [Fact, Promise("P4")]
    public async Task Reader_OfAnUpload_MakesNoBlobOfIt()
    {
        var bytes = Random(1000);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        await writer.AppendAsync(bytes, None);
        await using (await writer.OpenReaderAsync(None))
        await using (await writer.OpenReaderAsync(None))
            (await Store.FindSizeAsync(Digest.Compute(Sha256, bytes), None)).ShouldBeNull();
        (await ListUploadsAsync()).Count.ShouldBe(1);
    }
}
