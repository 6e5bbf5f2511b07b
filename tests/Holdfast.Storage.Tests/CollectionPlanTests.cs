using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

/// <summary>The collection's statements search by indexes, so that their cost doesn't follow the size of the store.</summary>
public sealed class CollectionPlanTests : IAsyncLifetime
{
    private static readonly string[] Parameters = ["@due", "@at", "@first", "@second", "@limit", "@manifest", "@repository", "@blob"];

    private readonly TemporaryFolder _temporary = new();
    private SqliteMetadataDatabase _database = null!;

    public ValueTask InitializeAsync()
    {
        _database = SqliteMetadataDatabase.Open(Path.Combine(_temporary.Path, "plans.db"));
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _temporary.Dispose();
    }

    [Theory]
    [InlineData(Purges.DueSql)]
    [InlineData(ManifestReviews.DueSql)]
    [InlineData(LinkReviews.DueSql)]
    [InlineData(BlobReviews.DueSql)]
    [InlineData(BlobReviews.UnfinishedSql)]
    [InlineData(ManifestReviews.HeldSql)]
    [InlineData(ManifestReviews.ListedSql)]
    [InlineData(LinkReviews.HeldSql)]
    [InlineData(BlobReviews.HeldSql)]
    public async Task Statement_OfTheCollection_SearchesByIndex(string sql) => ShouldSearch(await PlanAsync(sql));

    // The plan has the searches of the foreign keys too, which RESTRICT makes before a row goes.
    [Theory]
    [InlineData("DELETE FROM manifests WHERE id = @manifest")]
    [InlineData("DELETE FROM blobs WHERE id = @blob")]
    [InlineData("DELETE FROM links WHERE repository_id = @repository AND blob_id = @blob")]
    public async Task Delete_OfARow_SearchesItsHoldersByIndex(string sql)
    {
        var plan = await PlanAsync(sql);
        plan.Count.ShouldBeGreaterThan(1, "no foreign key was seen");
        ShouldSearch(plan);
    }

    [Fact]
    public async Task Statement_WithoutAnIndex_IsNoticed() =>
        Should.Throw<ShouldAssertException>(async () => ShouldSearch(await PlanAsync("SELECT 1 FROM blobs WHERE size = @due")));

    private static void ShouldSearch(List<string> plan)
    {
        plan.ShouldNotBeEmpty();
        plan.Where(step => step.StartsWith("SCAN ", StringComparison.Ordinal) && step != "SCAN CONSTANT ROW").ShouldBeEmpty();
        plan.Where(step => step.Contains("rowid>", StringComparison.Ordinal)).ShouldBeEmpty("the whole table, in its order");
        plan.Where(step => step.Contains("TEMP B-TREE", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private Task<List<string>> PlanAsync(string sql) => _database.WriteAsync(
        sql,
        static (db, sql) =>
        {
            using var statement = new Statement(db.Connection, "EXPLAIN QUERY PLAN " + sql);
            foreach (var name in Parameters.Where(name => sql.Contains(name, StringComparison.Ordinal)))
                statement.Set(name, 0);
            var plan = new List<string>();
            using var rows = statement.Query();
            while (rows.Read())
                plan.Add(rows.Text(3));
            return plan;
        },
        CancellationToken.None);
}
