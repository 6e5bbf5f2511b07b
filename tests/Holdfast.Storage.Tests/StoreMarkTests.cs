using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

/// <summary>Which places are taken for that of a store's blobs.</summary>
public sealed class StoreMarkTests : IDisposable
{
    private static readonly Digest Absent = Digest.Parse("sha256:" + new string('0', 64));

    private readonly TemporaryFolder _temporary = new();

    private string Own => Path.Combine(_temporary.Path, "store-id");

    private string AmongBlobs => Path.Combine(_temporary.Path, "blobs", "store-id");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Open_NewFolder_MarksBothPlaces()
    {
        (await FindFaultAsync()).ShouldBeNull();
        File.ReadAllText(AmongBlobs).ShouldBe(File.ReadAllText(Own));
        (await FindFaultAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Open_StoreOfBeforeTheMarks_IsMarkedOnceItShowsBlobs()
    {
        File.WriteAllText(Path.Combine(_temporary.Path, "holdfast.db"), "");
        (await FindFaultAsync()).ShouldBeNull();
        File.Exists(AmongBlobs).ShouldBeFalse("an empty place may be the wrong one");
        Directory.CreateDirectory(Path.Combine(_temporary.Path, "blobs", "sha256", "ab"));
        (await FindFaultAsync()).ShouldBeNull();
        File.ReadAllText(AmongBlobs).ShouldBe(File.ReadAllText(Own));
    }

    [Fact]
    public async Task Open_CopyWithoutTheDatabasesMark_TakesThatOfTheBlobs()
    {
        await FindFaultAsync();
        var mark = File.ReadAllText(AmongBlobs);
        File.Delete(Own);
        (await FindFaultAsync()).ShouldBeNull();
        File.ReadAllText(Own).ShouldBe(mark);
    }

    [Theory, Promise("P6")]
    [InlineData("missing")]
    [InlineData("another")]
    [InlineData("empty")]
    public async Task Store_WithoutItsMark_KnowsNothingAndTakesNothing(string mark)
    {
        await FindFaultAsync();
        using var folder = DataFolder.Open(_temporary.Path);
        await using var store = new FileSystemBlobStore(folder, TimeProvider.System);
        await using var writer = await store.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, CancellationToken.None);
        await writer.AppendAsync(new byte[10], CancellationToken.None);
        if (mark == "missing")
            File.Delete(AmongBlobs);
        else
            File.WriteAllText(AmongBlobs, mark == "empty" ? "" : "0123");

        store.FindFault().ShouldNotBeNull().ShouldContain($"cp '{Own}' '{AmongBlobs}'");
        await Should.ThrowAsync<StoreAwayException>(async () => await store.FindSizeAsync(Absent, CancellationToken.None));
        await Should.ThrowAsync<StoreAwayException>(async () => await store.FindStatusAsync(Absent, CancellationToken.None));
        await Should.ThrowAsync<StoreAwayException>(async () => await store.OpenAsync(Absent, CancellationToken.None));
        (await store.RemoveAsync([Absent], CancellationToken.None)).ShouldHaveSingleItem().Error.ShouldBeOfType<StoreAwayException>();
        await Should.ThrowAsync<StoreAwayException>(async () => await store.QuarantineAsync(Absent, DateTimeOffset.UtcNow, CancellationToken.None));
        await Should.ThrowAsync<StoreAwayException>(async () => await store.ListAsync(null, CancellationToken.None).GetAsyncEnumerator().MoveNextAsync());
        await Should.ThrowAsync<StoreAwayException>(async () => await store.OpenUploadAsync(Guid.NewGuid(), DigestAlgorithm.Sha256, CancellationToken.None));
        await Should.ThrowAsync<StoreAwayException>(async () => await writer.CommitAsync(Digest.Compute(DigestAlgorithm.Sha256, new byte[10]), CancellationToken.None));
        Directory.GetDirectories(Path.Combine(_temporary.Path, "blobs", "sha256")).ShouldBeEmpty();
    }

    private async Task<string?> FindFaultAsync()
    {
        using var folder = DataFolder.Open(_temporary.Path);
        await using var store = new FileSystemBlobStore(folder, TimeProvider.System);
        return store.FindFault();
    }
}
