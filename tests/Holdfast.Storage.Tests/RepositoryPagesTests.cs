using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Shouldly;
using SQLitePCL;
using Xunit;

namespace Holdfast.Storage.Tests;

/// <summary>A walk over what one repository needs, in pages.</summary>
public sealed class RepositoryPagesTests(ITestOutputHelper output) : IAsyncDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private SqliteMetadataDatabase? _database;

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
            await _database.DisposeAsync();
        _temporary.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1_000)]
    public async Task ListOf_InPages_HasEachLinkAndManifestOnceAndNothingElse(int page)
    {
        await FillAsync(200);
        // One is both, one is going, one is another repository's.
        await ChangeAsync("""
            INSERT INTO links (repository_id, blob_id, created_at) SELECT repository_id, 4, 1 FROM manifests WHERE blob_id = 4;
            UPDATE blobs SET deleting_at = 1 WHERE id IN (5, 8);
            DELETE FROM links WHERE blob_id = 9;
            """);
        (await WalkAsync(page)).ShouldBe(Enumerable.Range(1, 200).Select(id => (long)id).Where(id => id is not (5 or 8 or 9)));
    }

    [Fact]
    public async Task ListOf_OfAHundredThousand_TakesAsManyStepsABlobAsOfFew()
    {
        var small = await MeasureAsync(2_000);
        await _database!.DisposeAsync();
        var large = await MeasureAsync(100_000);
        large.ShouldBeLessThan(small * 3 / 2);
    }

    private async Task<double> MeasureAsync(int count)
    {
        await FillAsync(count);
        var steps = 0L;
        await _database!.ReadAsync(
            0,
            (db, _) =>
            {
                raw.sqlite3_progress_handler(((SqliteConnection)db.Connection).Handle, 10, _ => { steps += 10; return 0; }, null);
                return true;
            },
            CancellationToken.None);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        (await WalkAsync(200)).Count.ShouldBe(count);
        output.WriteLine($"{count} blobs in pages of 200: {watch.Elapsed.TotalSeconds:0.00} s, {steps} steps");
        return (double)steps / count;
    }

    private async Task<List<long>> WalkAsync(int page)
    {
        var key = new RepositoryKey(1, RepositoryName.Parse("app"));
        var found = new List<long>();
        while (true)
        {
            var blobs = await _database!.ReadAsync(
                (key, after: found.Count == 0 ? 0 : found[^1], page), static (db, s) => BlobChecks.ListOf(db, s.key, s.after, s.page), CancellationToken.None);
            if (blobs.Count == 0)
                return found;
            blobs.Count.ShouldBeLessThanOrEqualTo(page);
            found.AddRange(blobs.Select(blob => blob.Id));
        }
    }

    // Each fourth is a manifest, the others are linked.
    private async Task FillAsync(int count)
    {
        _database = SqliteMetadataDatabase.Open(Path.Combine(_temporary.Path, $"holdfast-{count}.db"));
        await _database.WriteAsync("test", static (db, name) => Registries.Ensure(db, name), CancellationToken.None);
        var numbers = $"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})";
        await ChangeAsync($"""
            INSERT INTO repositories (id, registry_id, name, created_at) VALUES (1, 1, 'app', 1);
            {numbers} INSERT INTO blobs (id, digest, size, created_at) SELECT i, unhex('01' || printf('%064x', i)), 1, 1 FROM n;
            {numbers} INSERT INTO links (repository_id, blob_id, created_at) SELECT 1, i, 1 FROM n WHERE i % 4 <> 0;
            {numbers} INSERT INTO manifests (repository_id, blob_id, media_type, created_at) SELECT 1, i, 'm', 1 FROM n WHERE i % 4 = 0;
            """);
    }

    private Task<bool> ChangeAsync(string sql) => _database!.WriteAsync(
        sql,
        static (db, sql) =>
        {
            db.Execute(sql);
            return true;
        },
        CancellationToken.None);
}
