using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Contract;
using Holdfast.Storage.FileSystem;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

public sealed class FileSystemBlobStoreTests : BlobStoreContract
{
    private readonly TemporaryFolder _temporary = new();
    private DataFolder? _folder;

    protected override IBlobStore Open()
    {
        _folder?.Dispose();
        _folder = DataFolder.Open(_temporary.Path);
        return new FileSystemBlobStore(_folder, TimeProvider.System);
    }

    protected override void Damage(Digest digest)
    {
        // Through a handle that root may open in spite of the mode, and anyone after making it writable.
        File.SetUnixFileMode(PathOf(digest), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var file = File.OpenWrite(PathOf(digest));
        file.WriteByte(0);
        file.WriteByte(0);
    }

    protected override void Obstruct(Digest digest)
    {
        // A folder in the blob's own place would give way to it.
        var fanOut = Path.GetDirectoryName(PathOf(digest))!;
        if (Directory.Exists(fanOut))
            Directory.Delete(fanOut, recursive: true);
        File.WriteAllText(fanOut, "in the way");
    }

    [Fact]
    public async Task Commit_BesideAStrayFolderOfASimilarName_IsStored()
    {
        var (content, digest) = Enumerable.Range(0, 10_000)
            .Select(i => BitConverter.GetBytes(i))
            .Select(bytes => (bytes, Digest: Digest.Compute(DigestAlgorithm.Sha256, bytes)))
            .First(candidate => candidate.Digest.Hex.StartsWith("05", StringComparison.Ordinal));
        Directory.CreateDirectory(Path.Combine(_temporary.Path, "blobs", "sha256", "5"));
        await using var store = Open();
        await using var writer = await store.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, CancellationToken.None);
        await writer.AppendAsync(content, CancellationToken.None);
        (await writer.CommitAsync(digest, CancellationToken.None)).ShouldBe(BlobCommitOutcome.Stored);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder?.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public async Task Commit_Stored_IsAReadOnlyFileNamedByItsDigest()
    {
        var digest = await PutAsync(Random(100));
        var hex = digest.Hex.ToString();
        var path = Path.Combine(_temporary.Path, "blobs", "sha256", hex[..2], hex);
        File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    [Fact, Promise("P5")]
    public async Task Store_FoldersTakenAwayWhileItIsOpen_TakesBlobsAgainWithoutARestart()
    {
        var content = Random(100);
        var digest = await PutAsync(content);
        Directory.Delete(Path.GetDirectoryName(PathOf(digest))!, recursive: true);
        (await Store.FindSizeAsync(digest, None)).ShouldBeNull();
        (await Store.RemoveAsync([digest], None)).ShouldBeEmpty("what isn't there needs no removal");
        Directory.Delete(Path.GetDirectoryName(PathOf(digest))!, recursive: true);
        Directory.Delete(Path.Combine(_temporary.Path, "uploads"), recursive: true);
        Directory.Delete(Path.Combine(_temporary.Path, "quarantine"), recursive: true);
        (await PutAsync(content)).ShouldBe(digest);
        (await Store.FindSizeAsync(digest, None)).ShouldBe(100);
        (await Store.QuarantineAsync(digest, DateTimeOffset.UnixEpoch, None)).ShouldNotBeNull();
    }

    [Fact, Promise("P4")]
    public async Task Commit_AFolderHasTakenItsName_IsStoredAndTheFolderKept()
    {
        var content = Random(100);
        var digest = await PutAsync(content);
        File.Delete(PathOf(digest));
        Directory.CreateDirectory(Path.Combine(PathOf(digest), "inside"));
        (await PutAsync(content)).ShouldBe(digest);
        (await Store.FindSizeAsync(digest, None)).ShouldBe(100);
        Directory.EnumerateDirectories(Path.Combine(_temporary.Path, "quarantine")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task OpenUpload_Untouched_CreatesNoFile()
    {
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        Directory.GetFiles(_folder!.Uploads).ShouldBeEmpty();
    }

    [Fact]
    public async Task FindSize_TruncatedBehindItsBack_ShowsTheSizeOnDisk()
    {
        var digest = await PutAsync(Random(100));
        File.Delete(PathOf(digest));
        await File.WriteAllBytesAsync(PathOf(digest), [], None);
        (await Store.FindSizeAsync(digest, None)).ShouldBe(0);
    }

    [Fact, Promise("P6")]
    public async Task FindSize_FolderGone_ThrowsInsteadOfAbsent()
    {
        var digest = await PutAsync(Random(100));
        Directory.Delete(Path.Combine(_temporary.Path, "blobs", "sha256"), recursive: true);
        await Should.ThrowAsync<IOException>(async () => await Store.FindSizeAsync(digest, None));
    }

    [Fact]
    public async Task Append_FileChangedWhileParked_ThrowsInsteadOfMixing()
    {
        var id = Guid.NewGuid();
        await using var writer = await Store.OpenUploadAsync(id, Sha256, None);
        await writer.AppendAsync("abc"u8.ToArray(), None);
        await writer.ParkAsync();
        await File.AppendAllTextAsync(Path.Combine(_folder!.Uploads, id.ToString("D")), "x", None);
        await Should.ThrowAsync<IOException>(async () => await writer.AppendAsync("d"u8.ToArray(), None));
    }

    [Fact, Promise("P10")]
    public async Task Park_ManySessions_KeepsFewFilesOpenAndAllGoOn()
    {
        var writers = new List<BlobWriter>();
        for (var i = 0; i < 300; i++)
        {
            writers.Add(await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None));
            await writers[i].AppendAsync(BitConverter.GetBytes(i), None);
            await writers[i].ParkAsync();
        }
        var open = new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos()
            .Count(file => file.LinkTarget?.StartsWith(_folder!.Uploads, StringComparison.Ordinal) == true);
        open.ShouldBeInRange(1, 256);
        for (var i = 0; i < writers.Count; i++)
        {
            await writers[i].AppendAsync("."u8.ToArray(), None);
            var digest = Digest.Compute(Sha256, [.. BitConverter.GetBytes(i), (byte)'.']);
            (await writers[i].CommitAsync(digest, None)).ShouldBe(BlobCommitOutcome.Stored);
            await writers[i].DisposeAsync();
        }
    }

    [Fact]
    public async Task ListUploads_ForeignFiles_AreNotSessions()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder!.Uploads, "notes.txt"), "x", None);
        (await ListUploadsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Append_ManyWriteBackWindows_KeepsEveryByte()
    {
        var bytes = Random(40 * 1024 * 1024 + 17);
        var digest = Digest.Compute(Sha256, bytes);
        await using var writer = await Store.OpenUploadAsync(Guid.NewGuid(), Sha256, None);
        for (var offset = 0; offset < bytes.Length; offset += 1_000_003)
        {
            await writer.AppendAsync(bytes.AsMemory(offset, Math.Min(1_000_003, bytes.Length - offset)), None);
            if (offset > bytes.Length / 2)
                await writer.ParkAsync();
        }
        (await writer.CommitAsync(digest, None)).ShouldBe(BlobCommitOutcome.Stored);
        (await ReadAsync(digest)).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
    }

    [Fact]
    public void MeasureSpace_Always_IsWithinTheDisk()
    {
        var space = Store.MeasureSpace().ShouldNotBeNull();
        space.FreeBytes.ShouldBeInRange(1, space.TotalBytes);
    }

    private string PathOf(Digest digest)
    {
        var hex = digest.Hex.ToString();
        return Path.Combine(_folder!.Path, "blobs", digest.Algorithm.Name(), hex[..2], hex);
    }
}
