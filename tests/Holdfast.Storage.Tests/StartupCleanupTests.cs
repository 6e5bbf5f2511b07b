using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

public sealed class StartupCleanupTests : IAsyncLifetime
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(24);
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder _temporary = new();
    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;
    private readonly DataFolder _folder;
    private readonly FileSystemBlobStore _blobs;
    private readonly SqliteMetadataDatabase _database;

    public StartupCleanupTests()
    {
        _folder = DataFolder.Open(_temporary.Path);
        _blobs = new FileSystemBlobStore(_folder, TimeProvider.System);
        _database = SqliteMetadataDatabase.Open(_folder.DatabaseFile);
    }

    public async ValueTask InitializeAsync() =>
        await _database.WriteAsync(0, static (session, _) => Registries.Ensure(session, "private"), None);

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _blobs.DisposeAsync();
        _folder.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public async Task Run_BytesWithoutASession_AreRemoved()
    {
        await AddBytesAsync(Guid.NewGuid(), 100, age: TimeSpan.Zero);
        (await RunAsync()).ShouldBe(new StartupReport(1, 100, 0, 0, 0));
        Directory.GetFiles(_folder.Uploads).ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_SessionPastItsAge_IsRemovedWithItsBytes()
    {
        var id = Guid.NewGuid();
        await AddBytesAsync(id, 100, age: MaxAge * 2);
        await AddRowAsync(id, age: MaxAge * 2);
        await AddRowAsync(Guid.NewGuid(), age: MaxAge * 2);
        (await RunAsync()).ShouldBe(new StartupReport(0, 0, 2, 100, 0));
        Directory.GetFiles(_folder.Uploads).ShouldBeEmpty();
        (await RowsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_SessionThatGotBytesLately_IsKept()
    {
        var (slow, fresh) = (Guid.NewGuid(), Guid.NewGuid());
        await AddRowAsync(slow, age: MaxAge * 2);
        await AddBytesAsync(slow, 100, age: TimeSpan.Zero);
        await AddRowAsync(fresh, age: TimeSpan.Zero);
        (await RunAsync()).ShouldBe(new StartupReport(0, 0, 0, 0, 2));
        (await RowsAsync()).Count.ShouldBe(2);
        Directory.GetFiles(_folder.Uploads).ShouldHaveSingleItem();
    }

    private Task<StartupReport> RunAsync() => StartupCleanup.RunAsync(_blobs, _database, MaxAge, new StoreTime(TimeProvider.System), None);

    private async Task AddBytesAsync(Guid id, int length, TimeSpan age)
    {
        await using (var writer = await _blobs.OpenUploadAsync(id, DigestAlgorithm.Sha256, None))
            await writer.AppendAsync(new byte[length], None);
        File.SetLastWriteTimeUtc(Path.Combine(_folder.Uploads, id.ToString("D")), (_now - age).UtcDateTime);
    }

    private async Task AddRowAsync(Guid id, TimeSpan age)
    {
        var row = new UploadRow(id, new RepositoryKey(1, RepositoryName.Parse("app")), DigestAlgorithm.Sha256, _now - age);
        await _database.WriteAsync(row, static (session, upload) =>
        {
            Uploads.Add(session, upload);
            return true;
        }, None);
    }

    private async Task<IReadOnlyList<UploadRow>> RowsAsync() => await _database.ReadAsync(0, static (session, _) => Uploads.List(session), None);
}
